import { App } from 'aws-cdk-lib';
import { buildApp } from '../lib/build-app';

// A stack trace would hide what people can mend.
try {
  buildApp(new App());
} catch (error) {
  console.error(`error: ${error instanceof Error ? error.message : String(error)}`);
  process.exitCode = 1;
}
