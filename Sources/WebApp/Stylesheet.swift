/// The stylesheet of all pages, for light and dark colour schemes and screens of any size.
let stylesheet = """
  :root {
    color-scheme: light dark;
    --paper: #f7f4ee; --card: #fffdf8; --ink: #211e1a; --soft: #625b51; --line: #ded6c8;
    --accent: #a8480d; --wheel: #d9d0c0; --glow: #f3dcc4;
  }
  @media (prefers-color-scheme: dark) {
    :root {
      --paper: #15171b; --card: #1d2026; --ink: #efe9df; --soft: #a8a196; --line: #31353d;
      --accent: #f2a65a; --wheel: #333841; --glow: #3a2b1e;
    }
  }
  * { box-sizing: border-box; }
  body {
    margin: 0; background: var(--paper); color: var(--ink);
    font: 1.0625rem/1.6 system-ui, -apple-system, "Segoe UI", "Noto Sans", "DejaVu Sans", sans-serif;
  }
  main, footer { max-width: 66rem; margin: 0 auto; padding: 0 1.5rem; }
  a { color: var(--accent); text-underline-offset: .2em; }
  a:focus-visible { outline: 3px solid var(--accent); outline-offset: 3px; border-radius: .25rem; }
  code { font: .9em/1.5 ui-monospace, "SF Mono", "Cascadia Mono", "DejaVu Sans Mono", monospace; }
  .hero { display: grid; grid-template-columns: 1fr; gap: 1rem 3rem; align-items: center; padding: 3rem 0 1rem; }
  .mark { margin: 0; font-weight: 650; letter-spacing: .16em; text-transform: uppercase; font-size: .8rem;
    color: var(--soft); }
  .mark a { color: inherit; text-decoration: none; }
  h1 { margin: .4rem 0 1rem; font-size: clamp(2.4rem, 7vw, 4rem); line-height: 1.06; letter-spacing: -.03em;
    font-weight: 720; text-wrap: balance; }
  h1 em { font-style: normal; color: var(--accent); }
  h2 { margin: 3rem 0 .25rem; font-size: 1.45rem; letter-spacing: -.01em; }
  .lead { margin: 0; font-size: 1.2rem; max-width: 34rem; overflow-wrap: anywhere; }
  .soft { color: var(--soft); margin: .25rem 0 0; max-width: 42rem; }
  .note { margin: 1.5rem 0 0; padding: .8rem 1.1rem; border-left: 4px solid var(--accent); background: var(--glow);
    border-radius: 0 .5rem .5rem 0; max-width: 36rem; }
  .train { width: 100%; max-width: 26rem; height: auto; justify-self: center; overflow: visible; }
  .wheel { fill: var(--wheel); }
  .wheel.engaged { fill: var(--accent); }
  @keyframes turn { to { transform: rotate(1turn); } }
  @media (prefers-reduced-motion: reduce) { .wheel { animation: none !important; } }
  .gears, .routes { list-style: none; margin: 1.25rem 0 0; padding: 0; display: grid; gap: 1rem;
    grid-template-columns: 1fr; }
  .gears li { padding: 1.1rem 1.25rem; background: var(--card); border: 1px solid var(--line);
    border-radius: .9rem; display: flex; flex-direction: column; gap: .4rem; }
  .gears li[aria-current] { border-color: var(--accent); box-shadow: 0 0 0 1px var(--accent); }
  .gears .name { display: flex; justify-content: space-between; align-items: baseline; font-weight: 650; }
  .gears .badge { font-size: .75rem; font-weight: 600; color: var(--accent); letter-spacing: .04em; }
  .gears .what { color: var(--soft); font-size: .95rem; flex: 1; }
  .gears code { display: block; padding: .45rem .7rem; background: var(--paper); border-radius: .45rem;
    overflow-wrap: anywhere; font-size: .76rem; }
  .routes { gap: 0; border-top: 1px solid var(--line); }
  .routes li { display: grid; grid-template-columns: 1fr; gap: 0 1.5rem; padding: .7rem 0;
    border-bottom: 1px solid var(--line); }
  .routes .method { color: var(--soft); }
  .routes .what { color: var(--soft); }
  footer { color: var(--soft); font-size: .9rem; padding-top: 3rem; padding-bottom: 3rem; }
  @media (min-width: 46rem) {
    .hero { grid-template-columns: 1.15fr 1fr; padding-top: 3.5rem; }
    .routes li { grid-template-columns: 17rem 1fr; }
  }
  @media (min-width: 62rem) { .gears { grid-template-columns: repeat(3, minmax(0, 1fr)); } }
  """
