import assert from 'node:assert/strict';
import { readFileSync, readdirSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';

const LIB = path.join(__dirname, '../../lib');

/** Returns the modules of the same package that a source imports; imports of types alone count. */
function imported(source: string): string[] {
  return [...source.matchAll(/\b(?:from|import|require)\s*\(?\s*'\.\/([^']+)'/g)].map(([, name = '']) => name);
}

/** Returns the modules that import each other in a circle, and those that import such a module. */
function circular(imports: ReadonlyMap<string, readonly string[]>): string[] {
  const rest = new Map(imports);
  // A module that imports none of the rest is not part of a cycle.
  const isLeaf = (name: string) => !rest.get(name)?.some((it) => rest.has(it));
  for (let leaf = [...rest.keys()].find(isLeaf); leaf !== undefined; leaf = [...rest.keys()].find(isLeaf)) rest.delete(leaf);
  return [...rest.keys()];
}

test('the modules of the package import each other without circles', () => {
  const modules = readdirSync(LIB).map((file) => path.basename(file, '.ts'));
  const imports = new Map(modules.map((name) => [name, imported(readFileSync(path.join(LIB, `${name}.ts`), 'utf8'))]));
  const all = [...imports.values()].flat();
  assert.ok(all.length >= modules.length && all.every((name) => imports.has(name)), all.join());
  assert.deepEqual(circular(imports), []);
});

test('a circle of imports is found in every form of import', () => {
  for (const form of ["import { b } from './b';", "import type { B } from './b';", "export * from './b';", "import './b';", "await import('./b')"]) {
    assert.deepEqual(imported(form), ['b'], form);
  }
  assert.deepEqual(circular(new Map([['a', ['b']], ['b', ['c']], ['c', ['b', 'd']], ['d', []]])), ['a', 'b', 'c']);
});
