/** What `up` is doing, for whoever shows it. */
export type LabProgress =
  | { kind: 'step'; step: LabStep; done: number; total: number; waitingFor?: string[] }
  /** Something the user has to know, such as that BFD was slowed down. */
  | { kind: 'notice'; text: string }

export type LabStep =
  | 'namespaces'
  | 'routers'
  | 'links'
  | 'configurations read back'
  | 'sessions'
  | 'bfd sessions'
  | 'routing tables'
  | 'kubernetes'

export type OnProgress = (progress: LabProgress) => void
