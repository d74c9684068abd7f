import { mount } from 'svelte';
import App from './App.svelte';
import { linkToHost } from './api.ts';
import './theme.css';

const target = document.getElementById('page');
if (target) mount(App, { target, props: { link: linkToHost() } });
