/** Light and dark by the reader's setting, always light on paper; colours that colour-blind readers can tell apart. */
export const style = `
:root{color-scheme:light dark;--ground:#fff;--panel:#f6f7f9;--line:#d8dce2;--ink:#1b1f24;--quiet:#5c6672;--accent:#0b62a8;--ok:#146c2e;--ok-ground:#e3f4e7;--violated:#b3261e;--violated-ground:#fde8e6;--undecided:#7a5200;--undecided-ground:#fdf1d6;--detection:#0072b2;--propagation:#d98200;--fib:#00856a;--rest:#8a939e;--on-phase:#fff;--node:#e9f0f8;--switch:#eef0f3}
@media (prefers-color-scheme:dark){:root{--ground:#14171b;--panel:#1c2127;--line:#353c45;--ink:#e6e9ed;--quiet:#9aa4af;--accent:#6cb4ee;--ok:#6fd08a;--ok-ground:#15301d;--violated:#ff8f87;--violated-ground:#3d1a18;--undecided:#f0c060;--undecided-ground:#362a10;--detection:#4aa8dd;--propagation:#f0ac3f;--fib:#3cc2a1;--rest:#7b8590;--on-phase:#101317;--node:#1c2c3d;--switch:#262c34}}
@media print{:root{color-scheme:light;--ground:#fff;--panel:#f6f7f9;--line:#c9ced6;--ink:#000;--quiet:#444;--accent:#0b62a8;--ok:#146c2e;--ok-ground:#fff;--violated:#b3261e;--violated-ground:#fff;--undecided:#7a5200;--undecided-ground:#fff;--detection:#0072b2;--propagation:#d98200;--fib:#00856a;--rest:#8a939e;--on-phase:#fff;--node:#f2f5f9;--switch:#f4f5f7}.scenario{break-inside:avoid-page}body{font-size:10pt}*{print-color-adjust:exact}}
*{box-sizing:border-box}
body{margin:0 auto;max-width:1120px;padding:2rem 1.25rem 4rem;background:var(--ground);color:var(--ink);font:15px/1.5 system-ui,-apple-system,"Segoe UI",Roboto,"DejaVu Sans",sans-serif}
h1{font-size:1.7rem;line-height:1.2;margin:0 0 .25rem}
h2{font-size:1.2rem;margin:2.5rem 0 .75rem;border-bottom:1px solid var(--line);padding-bottom:.3rem}
h3{font-size:1rem;margin:0;font-weight:600}
h4{font-size:.9rem;margin:1.25rem 0 .4rem}
a{color:var(--accent);text-decoration:none}a:hover{text-decoration:underline}
.quiet,figcaption,caption{color:var(--quiet);font-size:.85rem}
.lead{display:flex;flex-wrap:wrap;gap:.75rem;margin:1.25rem 0}
.tile{background:var(--panel);border:1px solid var(--line);border-radius:8px;padding:.7rem 1rem;flex:1 1 11rem}
.tile b{display:block;font-size:1.35rem;line-height:1.25;font-variant-numeric:tabular-nums}
.verdict{display:inline-block;white-space:nowrap;border-radius:999px;padding:.05rem .6rem;font-size:.8rem;font-weight:600;border:1px solid currentColor}
.verdict.ok{color:var(--ok);background:var(--ok-ground)}.verdict.violated{color:var(--violated);background:var(--violated-ground)}.verdict.undecided{color:var(--undecided);background:var(--undecided-ground)}
.wide{overflow-x:auto}
figure{margin:1rem 0}
figcaption{margin-top:.25rem}
table{border-collapse:collapse;width:100%;font-size:.88rem}
caption{text-align:left;padding:.2rem 0}
th{text-align:left;font-weight:600;color:var(--quiet);font-size:.8rem}
td,th{padding:.28rem .6rem .28rem 0;border-bottom:1px solid var(--line);vertical-align:middle}
.number{text-align:right;font-variant-numeric:tabular-nums;white-space:nowrap}
tr.group th{padding-top:.9rem;color:var(--ink)}
.outages td:first-child{min-width:12rem}
.strip{display:block}.strip circle{fill:var(--accent);fill-opacity:.55}.strip .rule{stroke:var(--line)}.strip .median{stroke:var(--ink);stroke-width:2}.strip text{font-size:10px;fill:var(--quiet)}
.scenario{border:1px solid var(--line);border-radius:8px;margin:.6rem 0;padding:0 1rem;background:var(--ground)}
.scenario[open]{padding-bottom:1rem}
summary{display:flex;flex-wrap:wrap;align-items:center;gap:.3rem 1rem;padding:.6rem 0;cursor:pointer;list-style:none}
summary::-webkit-details-marker{display:none}
summary h3::before{content:"▸";display:inline-block;width:1.1em;color:var(--quiet)}[open]>summary h3::before{content:"▾"}
summary .result{margin-left:auto;color:var(--quiet);font-variant-numeric:tabular-nums;font-size:.88rem}
.void{color:var(--undecided)}
svg text{font-family:inherit}
.topology{width:100%;height:auto;display:block}
.topology .site rect{fill:none;stroke:var(--line);stroke-dasharray:3 4}.topology .site text{font-size:11px;fill:var(--quiet)}
.link{fill:none;stroke:var(--line);stroke-width:1.3}.link.failed{stroke:var(--violated);stroke-width:2.5;stroke-dasharray:6 4}.cross{stroke:var(--violated);stroke-width:2.5}
.way{fill:none;stroke-width:4;stroke-linejoin:round;opacity:.75}.way.before{stroke:var(--propagation)}.way.after{stroke:var(--fib);stroke-dasharray:8 5}
.device rect{fill:var(--switch);stroke:var(--quiet);stroke-width:1}.device.node rect{fill:var(--node)}.device.external rect{fill:var(--ground);stroke-dasharray:3 2}.device text{text-anchor:middle;fill:var(--ink)}
.device.failed rect{fill:var(--violated-ground);stroke:var(--violated);stroke-width:2.5}.device.failed text{fill:var(--violated);font-weight:600}
.key{display:inline-block;width:1.6rem;height:0;border-top:3px solid;vertical-align:middle;margin:0 .35rem 0 .6rem}.key.failed{border-color:var(--violated);border-top-style:dashed}.key.before{border-color:var(--propagation)}.key.after{border-color:var(--fib);border-top-style:dashed}.key.detection,.key.propagation,.key.fib{border-top-width:7px;width:.9rem}.key.detection{border-color:var(--detection)}.key.propagation{border-color:var(--propagation)}.key.fib{border-color:var(--fib)}.key.gap{border-color:var(--violated);border-top-width:7px;width:.9rem}
.flows{width:100%;height:auto;min-width:640px;display:block}
.flows .grid{stroke:var(--line)}.flows .mark{font-size:10px;fill:var(--quiet);text-anchor:middle}.flows .group{font-size:11px;fill:var(--ink)}.flows .quiet{font-size:10px;fill:var(--quiet)}
.flow line{stroke:var(--fib);stroke-width:1.4;opacity:.55}.flow .gap{fill:var(--violated)}
line.action{stroke:var(--violated);stroke-dasharray:2 3}text.action{font-size:10.5px;fill:var(--violated)}
.phase.detection{fill:var(--detection)}.phase.propagation{fill:var(--propagation)}.phase.fib{fill:var(--fib)}.phase.rest{fill:var(--rest)}text.phase{font-size:10px;fill:var(--on-phase);text-anchor:middle;font-weight:600}
.share rect{fill:var(--accent)}.share line{stroke:var(--ink);stroke-width:1.5}
.events td{font-size:.82rem;padding-top:.12rem;padding-bottom:.12rem}.events td:nth-child(2),.events td:nth-child(4){font-family:ui-monospace,"DejaVu Sans Mono",monospace;font-size:.78rem}
.source{font-weight:600}.source.fault{color:var(--violated)}.source.bfd,.source.link{color:var(--detection)}.source.bgp,.source.rib{color:var(--propagation)}.source.fib{color:var(--fib)}
dl{display:grid;grid-template-columns:max-content 1fr;gap:.2rem 1.2rem;margin:0;font-size:.9rem}dt{color:var(--quiet)}dd{margin:0}
@media (max-width:640px){body{padding:1.2rem .8rem 3rem}summary .result{margin-left:0;width:100%;order:3}.scenario{padding:0 .6rem}dl{grid-template-columns:1fr}dd{margin-bottom:.4rem}}
`
