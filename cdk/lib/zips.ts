import { existsSync } from 'node:fs';

/**
 * The path of a file that must be there.
 *
 * @throws Error that says which command makes it.
 */
export function requireFile(file: string, command: string): string {
  if (!existsSync(file)) throw new Error(`${file} is missing: make it with ${command}`);
  return file;
}
