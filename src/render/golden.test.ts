import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { plansUnderTest } from '../../test/render/plans.ts'
import { renderFrr } from './frr/frr-config.ts'

const golden = new URL('./golden/', import.meta.url)
const isUpdating = process.env.UPDATE_GOLDEN === '1'

for (const { name, plan } of plansUnderTest()) {
  const folder = new URL(`${name}/`, golden)
  if (isUpdating) {
    rmSync(folder, { recursive: true, force: true })
    mkdirSync(folder, { recursive: true })
  }

  test(`${name} renders as in its golden files (UPDATE_GOLDEN=1 rewrites them)`, () => {
    const rendered = plan.devices.map((device) => ({
      file: `${device.name}.conf`,
      text: renderFrr(plan, device).integrated,
    }))
    if (isUpdating) for (const { file, text } of rendered) writeFileSync(new URL(file, folder), text)

    expect(readdirSync(folder).sort()).toEqual(rendered.map(({ file }) => file).sort())
    for (const { file, text } of rendered)
      expect(text, `${name}/${file}`).toBe(readFileSync(new URL(file, folder), 'utf8'))
  })
}
