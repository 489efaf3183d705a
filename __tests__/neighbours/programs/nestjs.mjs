import 'reflect-metadata';
import { HttpModule, HttpService } from '@nestjs/axios';
import { NestFactory } from '@nestjs/core';
import axios from 'axios';
import { firstValueFrom } from 'rxjs';
import { adapter, print, tried } from './pool.mjs';

const context = await NestFactory.createApplicationContext(HttpModule.register({ adapter }), { logger: false });
const service = context.get(HttpService);
const injected = await firstValueFrom(service.post('/x', { n: 1 }));

adapter.pool.restore('first');
const ofInstance = new HttpService(axios.create({ adapter }));
const own = await firstValueFrom(ofInstance.post('/x', { n: 1 }));

// The service cancels the request of an observable when nobody listens to it any longer.
const cancelled = new Promise((resolve) => adapter.pool.subscribe(({ code }) => resolve(code)));
const subscription = service.get('/hang').subscribe();
setTimeout(() => subscription.unsubscribe(), 50);
print({ injected: tried(injected), own: tried(own), cancelled: await cancelled });
