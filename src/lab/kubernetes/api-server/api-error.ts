/**
 * Every refusal of the server, as a Kubernetes `Status`: clients decide by `reason` and `code`, people read `message`.
 */

interface StatusCause {
  reason: string
  field?: string
  message: string
}

export interface Status {
  kind: 'Status'
  apiVersion: 'v1'
  metadata: Record<string, never>
  status: 'Success' | 'Failure'
  message?: string
  reason?: string
  details?: {
    name?: string
    group?: string
    kind?: string
    uid?: string
    causes?: StatusCause[]
    retryAfterSeconds?: number
  }
  code: number
}

/** What an error is about; enough of a resource type to name it as upstream does (`services "web"`). */
export interface Subject {
  group: string
  plural: string
  kind: string
}

/** A refused request, carrying the `Status` that the client receives. */
export class ApiError extends Error {
  override readonly name = 'ApiError'
  readonly code: number
  readonly reason: string
  readonly details: Status['details']

  constructor(code: number, reason: string, message: string, details?: Status['details']) {
    super(message)
    this.code = code
    this.reason = reason
    this.details = details
  }

  /** The wire form. */
  toStatus(): Status {
    return {
      kind: 'Status',
      apiVersion: 'v1',
      metadata: {},
      status: 'Failure',
      message: this.message,
      reason: this.reason,
      ...(this.details === undefined ? {} : { details: this.details }),
      code: this.code,
    }
  }
}

/** One rule an object breaks; several make one 422. */
export interface FieldError {
  type:
    | 'FieldValueInvalid'
    | 'FieldValueRequired'
    | 'FieldValueDuplicate'
    | 'FieldValueNotSupported'
    | 'FieldValueForbidden'
  field: string
  message: string
}

export function invalidField(field: string, found: unknown, expected: string): FieldError {
  return { type: 'FieldValueInvalid', field, message: `Invalid value: ${JSON.stringify(found)}: ${expected}` }
}

export function missingField(field: string, hint = ''): FieldError {
  return { type: 'FieldValueRequired', field, message: `Required value${hint === '' ? '' : `: ${hint}`}` }
}

export function duplicateField(field: string, found: unknown): FieldError {
  return { type: 'FieldValueDuplicate', field, message: `Duplicate value: ${JSON.stringify(found)}` }
}

export function unsupportedField(field: string, found: unknown, supported: readonly string[]): FieldError {
  const choices = supported.map((choice) => JSON.stringify(choice)).join(', ')
  return {
    type: 'FieldValueNotSupported',
    field,
    message: `Unsupported value: ${JSON.stringify(found)}: supported values: ${choices}`,
  }
}

export function forbiddenField(field: string, message: string): FieldError {
  return { type: 'FieldValueForbidden', field, message: `Forbidden: ${message}` }
}

/** 422: the object breaks rules of its type. */
export function invalid(subject: Subject, name: string, errors: readonly FieldError[]): ApiError {
  const causes = errors.map(({ type, field, message }) => ({ reason: type, message, field }))
  const sentences = errors.map(({ field, message }) => `${field}: ${message}`)
  const list = sentences.length === 1 ? sentences[0] : `[${sentences.join(', ')}]`
  const kind = subject.group === '' ? subject.kind : `${subject.kind}.${subject.group}`
  return new ApiError(422, 'Invalid', `${kind} "${name}" is invalid: ${list}`, {
    name,
    group: subject.group,
    kind: subject.kind,
    causes,
  })
}

export function notFound(subject: Subject, name: string): ApiError {
  return new ApiError(404, 'NotFound', `${qualified(subject)} "${name}" not found`, about(subject, name))
}

export function alreadyExists(subject: Subject, name: string): ApiError {
  return new ApiError(
    409,
    'AlreadyExists',
    `${qualified(subject)} "${name}" already exists`,
    about(subject, name),
  )
}

export function conflict(subject: Subject, name: string, why: string): ApiError {
  return new ApiError(
    409,
    'Conflict',
    `Operation cannot be fulfilled on ${qualified(subject)} "${name}": ${why}`,
    about(subject, name),
  )
}

export function forbidden(subject: Subject, name: string, why: string): ApiError {
  return new ApiError(
    403,
    'Forbidden',
    `${qualified(subject)} "${name}" is forbidden: ${why}`,
    about(subject, name),
  )
}

export function badRequest(message: string): ApiError {
  return new ApiError(400, 'BadRequest', message)
}

/** 404: no such path, or no such type. */
export function missingResource(): ApiError {
  return new ApiError(404, 'NotFound', 'the server could not find the requested resource')
}

export function methodNotAllowed(): ApiError {
  return new ApiError(
    405,
    'MethodNotAllowed',
    'the server does not allow this method on the requested resource',
  )
}

/** 410: the client's resourceVersion is older than what the server remembers; it has to list again. */
export function expired(message: string): ApiError {
  return new ApiError(410, 'Expired', message)
}

/** 504: the client asks for a future this server has not reached, e.g. after the server lost its memory. */
export function tooLargeResourceVersion(asked: number, current: number): ApiError {
  const message = `Too large resource version: ${asked}, current: ${current}`
  return new ApiError(504, 'Timeout', message, {
    causes: [{ reason: 'ResourceVersionTooLarge', message: 'Too large resource version' }],
    retryAfterSeconds: 1,
  })
}

/** The text behind `${plural}.${group} "name"`. */
function qualified({ group, plural }: Subject): string {
  return group === '' ? plural : `${plural}.${group}`
}

function about(subject: Subject, name: string): NonNullable<Status['details']> {
  return { name, ...(subject.group === '' ? {} : { group: subject.group }), kind: subject.plural }
}
