import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';

const SNAPSHOTS = path.join(__dirname, '../../test/snapshots');

/** Compares with the reviewed file, or writes it: UPDATE_EXPECT=1 npm test. */
export function isAsReviewed(name: string, text: string): void {
  const file = path.join(SNAPSHOTS, name);
  if (process.env['UPDATE_EXPECT'] === '1') writeFileSync(file, text);
  const remedy = `review, then: UPDATE_EXPECT=1 npm test (${file})`;
  assert.equal(text, readFileSync(file, 'utf8'), remedy);
}
