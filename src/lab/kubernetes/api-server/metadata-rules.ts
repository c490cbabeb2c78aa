/**
 * Rules for names, labels and other metadata, the same for all types (RFC 1123 names, RFC 1035 for Services).
 */
import { type FieldError, invalidField, missingField } from './api-error.ts'
import type { ObjectMeta } from './objects.ts'

const dnsLabel = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/
const dnsSubdomain = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/
const dns1035Label = /^[a-z]([-a-z0-9]*[a-z0-9])?$/
const qualifiedName = /^([a-z0-9]([-a-z0-9.]*[a-z0-9])?\/)?[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?$/
const labelValue = /^([A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?)?$/
/** Bytes of all annotations of one object, as upstream. */
const annotationLimitBytes = 256 * 1024

/** Which rule the names of a type follow. */
export type NameRule = 'label' | 'label-1035' | 'subdomain'

/** The broken rules of an object's name; `field` says where the name stands. */
export function checkName(name: string, rule: NameRule, field = 'metadata.name'): FieldError[] {
  if (name === '') return [missingField(field, 'name or generateName is required')]
  if (rule === 'subdomain') {
    if (name.length <= 253 && dnsSubdomain.test(name)) return []
    return [
      invalidField(
        field,
        name,
        "a lowercase RFC 1123 subdomain: letters, digits, '-' and '.', at most 253 long",
      ),
    ]
  }
  const pattern = rule === 'label' ? dnsLabel : dns1035Label
  if (name.length <= 63 && pattern.test(name)) return []
  const start = rule === 'label' ? 'starting with a letter or digit' : 'starting with a letter (RFC 1035)'
  return [invalidField(field, name, `lowercase letters, digits and '-', ${start}, at most 63 long`)]
}

/** The broken rules of labels, annotations and finalizers. */
export function checkMetadata(metadata: ObjectMeta): FieldError[] {
  const errors = checkLabels(metadata.labels, 'metadata.labels')
  let annotationBytes = 0
  for (const [key, value] of Object.entries(metadata.annotations ?? {})) {
    if (!qualifiedName.test(key)) errors.push(invalidField('metadata.annotations', key, 'a qualified name'))
    if (typeof value !== 'string') errors.push(invalidField(`metadata.annotations.${key}`, value, 'a string'))
    else annotationBytes += key.length + value.length
  }
  if (annotationBytes > annotationLimitBytes) {
    errors.push(
      invalidField('metadata.annotations', annotationBytes, `at most ${annotationLimitBytes} bytes`),
    )
  }
  for (const finalizer of metadata.finalizers ?? []) {
    if (!qualifiedName.test(finalizer)) {
      errors.push(
        invalidField('metadata.finalizers', finalizer, 'a qualified name such as example.com/cleanup'),
      )
    }
  }
  return errors
}

/** The broken rules of a map of labels. */
export function checkLabels(
  labels: Readonly<Record<string, unknown>> | undefined,
  field: string,
): FieldError[] {
  const errors: FieldError[] = []
  for (const [key, value] of Object.entries(labels ?? {})) {
    if (!qualifiedName.test(key))
      errors.push(invalidField(field, key, 'a qualified name such as example.com/tier'))
    if (typeof value !== 'string' || !labelValue.test(value)) {
      errors.push(invalidField(field, value, "at most 63 letters, digits, '-', '_' and '.'"))
    }
  }
  return errors
}

/** A name from `generateName`: five characters that never form words. */
export function generateName(prefix: string): string {
  const alphabet = 'bcdfghjklmnpqrstvwxz2456789'
  let suffix = ''
  for (let i = 0; i < 5; i++) suffix += alphabet[Math.floor(Math.random() * alphabet.length)]
  return `${prefix.slice(0, 58)}${suffix}`
}
