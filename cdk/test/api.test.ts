import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import * as api from '../lib/index';

const LIB = path.join(__dirname, '../../lib');

// Checks what jsii drops without an error: it maps neither functions nor constants, turns unions of strings into any string, and
// type parameters into any value.

test('the package exports classes and enumerations alone', () => {
  const isClass = (it: unknown) => typeof it === 'function' && /^class\b/.test(Function.prototype.toString.call(it));
  const isEnum = (it: unknown) => typeof it === 'object' && it !== null && Object.keys(it).every((name) => /^[A-Z][A-Z0-9_]*$/.test(name));
  const others = Object.entries(api).filter(([, it]) => !isClass(it) && !isEnum(it));
  assert.deepEqual(others.map(([name]) => name), []);
  assert.ok(!isClass(() => 1) && !isEnum({ published: 1 }));
});

/** Returns the declarations in a source that list words, or have type parameters. */
function odd(source: string): string[] {
  return source.match(/(?:readonly|type|:) [^\n;{(]*'[^'\n]*' \|[^\n]*|export [a-z ]+ \w+<[^\n]*/g) ?? [];
}

test('no public type lists words or has type parameters', () => {
  const modules = [...readFileSync(path.join(LIB, 'index.ts'), 'utf8').matchAll(/from '\.\/([^']+)'/g)].map(([, name]) => name);
  assert.ok(modules.length > 5);
  for (const name of modules) assert.deepEqual(odd(readFileSync(path.join(LIB, `${name}.ts`), 'utf8')), [], name);
  assert.equal(odd("readonly metrics?: 'off' | 'all';\nexport type Word = 'a' | 'b';\nexport class List<T> {}").length, 3);
});
