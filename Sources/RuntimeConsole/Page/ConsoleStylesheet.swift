/// The style sheet of the page, for light and dark mode and all screen sizes, in the colours of the web app's pages.
let consoleStylesheet = """
  :root {
    color-scheme: light dark;
    --paper: #f7f4ee; --card: #fffdf8; --ink: #211e1a; --soft: #625b51; --line: #ded6c8;
    --accent: #a8480d; --glow: #f3dcc4; --busy: #8d9a76; --good: #3d6b35;
  }
  @media (prefers-color-scheme: dark) {
    :root {
      --paper: #15171b; --card: #1d2026; --ink: #efe9df; --soft: #a8a196; --line: #31353d;
      --accent: #f2a65a; --glow: #3a2b1e; --busy: #74855b; --good: #9cc48f;
    }
  }
  * { box-sizing: border-box; }
  body {
    margin: 0; background: var(--paper); color: var(--ink);
    font: .9375rem/1.45 system-ui, -apple-system, "Segoe UI", "Noto Sans", "DejaVu Sans", sans-serif;
    font-variant-numeric: tabular-nums;
  }
  header, main, footer { max-width: 88rem; margin: 0 auto; padding: 0 1.25rem; }
  header { display: flex; flex-wrap: wrap; align-items: end; gap: .5rem 1.5rem; padding-top: 1.25rem;
    padding-bottom: .9rem; }
  .mark { margin: 0; font-weight: 650; letter-spacing: .16em; text-transform: uppercase; font-size: .7rem;
    color: var(--soft); }
  h1 { margin: 0; font-size: 1.7rem; line-height: 1.1; letter-spacing: -.02em; font-weight: 720; }
  h2 { margin: 0; font-size: 1rem; font-weight: 650; letter-spacing: -.005em; }
  .about { margin: 0; color: var(--soft); flex: 1; }
  .about strong { color: var(--ink); font-weight: 650; }
  .controls { display: flex; align-items: center; gap: .75rem; }
  .pill { display: inline-flex; align-items: center; gap: .45rem; font-size: .85rem; color: var(--soft); }
  .pill::before { content: ""; width: .6rem; height: .6rem; border-radius: 50%; border: 2px solid currentColor; }
  .pill[data-state="live"] { color: var(--good); }
  .pill[data-state="live"]::before { background: currentColor; }
  .pill[data-state="lost"], .pill[data-state="late"] { color: var(--accent); font-weight: 650; }
  button, input { font: inherit; color: inherit; }
  button { background: var(--card); border: 1px solid var(--line); border-radius: .45rem; padding: .3rem .8rem;
    cursor: pointer; }
  button[aria-pressed="true"] { border-color: var(--accent); color: var(--accent); font-weight: 650; }
  :focus-visible { outline: 3px solid var(--accent); outline-offset: 2px; border-radius: .3rem; }
  .banner { border: 1px solid var(--line); border-left: .4rem solid var(--good); background: var(--card);
    border-radius: .6rem; padding: .65rem 1rem; min-height: 3.1rem; }
  .banner ul { list-style: none; margin: 0; padding: 0; font-size: 1.05rem; }
  .banner p { margin: .15rem 0 0; color: var(--soft); }
  .banner p:empty { display: none; }
  .banner[data-level="unknown"] { border-left-color: var(--soft); }
  .banner[data-level="past"] { border-left-color: var(--accent); }
  .banner[data-level="bad"] { border-color: var(--accent); background: var(--glow); border-left-color: var(--accent); }
  .banner[data-level="bad"] ul { font-size: 1.3rem; line-height: 1.3; font-weight: 650; letter-spacing: -.01em; }
  .banner[data-level="bad"] li::before { content: "▲ "; color: var(--accent); }
  .banner[data-level="bad"] p { color: inherit; }
  .banner code { color: var(--accent); font-weight: 700; }
  code, .code { font: .92em/1.4 ui-monospace, "SF Mono", "Cascadia Mono", "DejaVu Sans Mono", monospace;
    overflow-wrap: anywhere; }
  .tiles { display: grid; grid-template-columns: repeat(auto-fit, minmax(8.2rem, 1fr)); gap: .6rem;
    margin: .6rem 0 0; }
  .tiles div { background: var(--card); border: 1px solid var(--line); border-radius: .6rem; padding: .5rem .8rem; }
  .tiles dt { color: var(--soft); font-size: .8rem; }
  .tiles dd { margin: 0; font-size: 1.25rem; font-weight: 650; letter-spacing: -.01em; white-space: nowrap; }
  .tiles dd small { font-size: .8rem; font-weight: 400; color: var(--soft); letter-spacing: 0; }
  .card { background: var(--card); border: 1px solid var(--line); border-radius: .6rem; padding: .75rem 1rem .8rem;
    margin-top: .6rem; min-width: 0; }
  .pair { display: grid; grid-template-columns: minmax(0, 1fr); gap: 0 .6rem; }
  .pair .card { display: flex; flex-direction: column; }
  .pair canvas { margin-top: auto; }
  .head { display: flex; flex-wrap: wrap; align-items: baseline; justify-content: space-between; gap: .2rem 1rem;
    margin-bottom: .5rem; }
  .key, .soft { color: var(--soft); font-size: .85rem; margin: 0; }
  .soft { max-width: 60rem; margin-bottom: .5rem; }
  .soft:empty { display: none; }
  .swatch { display: inline-block; width: .8rem; height: .7rem; margin: 0 .4rem 0 1rem; border-radius: .15rem; }
  .swatch.busy { background: var(--busy); }
  .swatch.stall { background: repeating-linear-gradient(135deg, var(--accent) 0 2px, transparent 2px 4px);
    border: 1px solid var(--accent); }
  .axis { display: flex; justify-content: space-between; margin: .15rem 0 0; color: var(--soft); font-size: .75rem; }
  canvas { display: block; width: 100%; }
  #rate, #latency { height: 10.5rem; }
  .lanes { list-style: none; margin: 0; padding: 0; display: grid; gap: .3rem; max-height: 34rem; overflow-y: auto; }
  .lanes li { display: grid; grid-template-columns: 6.5rem 3.2rem minmax(8rem, 17rem) 1fr; gap: 0 .8rem;
    align-items: center; }
  .lanes .share { text-align: right; color: var(--soft); }
  .lanes .doing { white-space: nowrap; overflow: hidden; text-overflow: ellipsis; }
  .lanes .idle { color: var(--soft); }
  .lanes .held { color: var(--accent); font-weight: 650; }
  .lanes canvas { height: 1.7rem; background: var(--paper); border-radius: .25rem; }
  #workers[data-known="false"] :is(.key, .axis) { display: none; }
  .filter input { background: var(--paper); border: 1px solid var(--line); border-radius: .45rem; padding: .25rem .6rem;
    width: 13rem; margin-left: .3rem; }
  .scroll { overflow: auto; max-height: 32rem; }
  .scroll.short { max-height: 15rem; }
  table { border-collapse: collapse; width: 100%; font-size: .875rem; }
  #tasks { table-layout: fixed; min-width: 60rem; }
  #tasks th:nth-child(1) { width: 12rem; }
  #tasks th:nth-child(3) { width: 16.5rem; }
  #tasks th.number { width: 5.2rem; }
  #tasks th:nth-child(6) { width: 7.2rem; }
  #stalls td:nth-child(-n + 2), #longest td:nth-child(1) { white-space: nowrap; }
  #tasks td { overflow-wrap: anywhere; }
  th { position: sticky; top: 0; background: var(--card); text-align: left; font-weight: 600; color: var(--soft);
    white-space: nowrap; box-shadow: inset 0 -1px var(--line); padding: .25rem .6rem .3rem 0; z-index: 1; }
  th button { border: 0; background: none; padding: .1rem .2rem; margin-left: -.2rem; color: inherit;
    font-weight: inherit; border-radius: .3rem; }
  th.number button { margin: 0 -.2rem 0 0; }
  th button::after { content: "\\2195"; opacity: .35; margin-left: .3rem; }
  th[aria-sort="ascending"] button::after { content: "\\2191"; opacity: 1; }
  th[aria-sort="descending"] button::after { content: "\\2193"; opacity: 1; }
  th[aria-sort="ascending"], th[aria-sort="descending"] { color: var(--ink); }
  td { padding: .2rem .6rem .2rem 0; border-bottom: 1px solid var(--line); vertical-align: top; }
  td.number, th.number { text-align: right; padding-right: .6rem; white-space: nowrap; }
  td:last-child, th:last-child { padding-right: .2rem; }
  td.soft { color: var(--soft); margin: 0; font-size: inherit; }
  tr.long td { background: var(--glow); }
  tr.long td:first-child { box-shadow: inset .25rem 0 var(--accent); padding-left: .5rem; }
  .empty { color: var(--soft); }
  .hidden { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); white-space: nowrap; }
  footer { color: var(--soft); font-size: .8rem; padding-top: 1rem; padding-bottom: 2rem; }
  @media (min-width: 62rem) {
    .pair { grid-template-columns: minmax(0, 1fr) minmax(0, 1fr); }
    .tiles { grid-template-columns: repeat(6, minmax(0, 1fr)); }
    .lanes li { grid-template-columns: 6.5rem 3.2rem 19rem 1fr; }
  }
  @media (max-width: 46rem) {
    header, main, footer { padding-left: .75rem; padding-right: .75rem; }
    .about { order: 3; flex-basis: 100%; }
    .controls { margin-left: auto; }
    .card { padding: .65rem .75rem .7rem; }
    .tiles { grid-template-columns: repeat(2, minmax(0, 1fr)); gap: .45rem; }
    .tiles dd { font-size: 1.1rem; }
    .lanes { gap: .55rem; }
    .lanes li { grid-template-columns: auto auto minmax(0, 1fr); }
    .lanes canvas { grid-column: 1 / -1; }
    .filter, .filter input { width: 100%; }
    #workers[data-known="false"] :is(.key, .axis) { display: none; }
  .filter input { margin: .15rem 0 0; }
    #tasks th:nth-child(1) { width: 9rem; }
    #tasks th:nth-child(3) { width: 12rem; }
  }
  @media (prefers-reduced-motion: no-preference) {
    .banner { transition: background-color .2s, border-color .2s; }
  }
  """
