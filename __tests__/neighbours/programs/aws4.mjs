import aws4 from 'aws4';
import { aws4Interceptor } from 'aws4-axios';
import axios from 'axios';
import { priorityAdapter } from 'axios-priority-adapter';
import { backends, print, tried } from './pool.mjs';

const service = { region: 'eu-west-2', service: 'execute-api' };
const credentials = { accessKeyId: 'id', secretAccessKey: 'secret' };

// The signature covers the host, so each attempt needs one of its own.
const signing = axios.create();
signing.interceptors.request.use(aws4Interceptor({ options: service, credentials }));
const adapter = priorityAdapter(backends, { adapter: (config) => signing.request({ ...config, adapter: 'http' }) });
const response = await axios.create({ adapter }).post('/x?a=1', { n: 1 });

const { method, url, headers, body } = response.data;
const [, names] = /SignedHeaders=([^,]+)/.exec(headers.authorization);
const signed = Object.fromEntries(names.split(';').map((name) => [name, headers[name]]));
const expected = aws4.sign({ ...service, method, path: url, headers: signed, body }, credentials).headers;
print({ tried: tried(response), host: signed.host, isRight: headers.authorization === expected.Authorization });
