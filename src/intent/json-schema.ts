import * as z from 'zod'
import { weftFile } from './schema.ts'

/**
 * The JSON Schema of weft.yaml for editors, generated from the schema that the loader uses.
 *
 * It is published as docs/reference/weft.schema.json; a test keeps that file current.
 */
export function intentJsonSchema(): Record<string, unknown> {
  // Draft 7 is what editors understand. Input: what people write, not what the loader makes of it.
  const { $schema, ...schema } = z.toJSONSchema(weftFile, {
    target: 'draft-7',
    io: 'input',
    override: ({ jsonSchema }) => dropImplicitBounds(jsonSchema),
  })
  return { $schema, title: 'weft.yaml', description: 'The written intent of a Weft network.', ...schema }
}

/** The text of the published file. */
export function formatJsonSchema(): string {
  return `${JSON.stringify(intentJsonSchema(), null, 2)}\n`
}

/** The bounds of exact integers are the library's, not ours: they would only be noise in an editor. */
function dropImplicitBounds(schema: { minimum?: number; maximum?: number }): void {
  if (schema.minimum === Number.MIN_SAFE_INTEGER) delete schema.minimum
  if (schema.maximum === Number.MAX_SAFE_INTEGER) delete schema.maximum
}
