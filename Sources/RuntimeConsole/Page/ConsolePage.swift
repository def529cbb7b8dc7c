/// The page without data, which its script adds. Its addresses are relative, so that it can be mounted anywhere.
let consolePage = """
  <!doctype html>
  <html lang="en">
  <head>
  <meta charset="utf-8">
  <meta name="viewport" content="width=device-width, initial-scale=1">
  <title>Console · Gearbox</title>
  <link rel="icon" href="data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 16 16'%3E\
  %3Cpath fill='%23c8641f' d='M1 3h4v3H1zM1 10h9v3H1zM7 3h8v3H7zM12 10h3v3h-3z'/%3E%3C/svg%3E">
  <link rel="stylesheet" href="console/console.css">
  <script src="console/console.js" defer></script>
  </head>
  <body>
  <header>
  <div>
  <p class="mark">Gearbox</p>
  <h1>Console</h1>
  </div>
  <p class="about" id="about">Waiting for data</p>
  <div class="controls">
  <span class="pill" id="connection" data-state="waiting">Connecting</span>
  <button type="button" id="pause" aria-pressed="false">Pause</button>
  </div>
  </header>
  <main>
  <noscript><p class="banner" data-level="bad"><strong>This page needs JavaScript.</strong></p></noscript>
  <div class="banner" id="banner" data-level="calm"><ul id="culprits"><li>No data yet</li></ul>
  <p id="advice"></p></div>
  <p class="hidden" id="news" role="status" aria-live="polite"></p>

  <section aria-labelledby="now-title">
  <h2 class="hidden" id="now-title">Now</h2>
  <dl class="tiles" id="tiles"></dl>
  </section>

  <section class="card" id="workers" aria-labelledby="workers-title">
  <div class="head"><h2 id="workers-title">Workers</h2>
  <p class="key"><span class="swatch busy"></span>busy<span class="swatch stall"></span>▲ one long job</p></div>
  <p class="soft" id="workers-note"></p>
  <ul class="lanes" id="lanes"></ul>
  <p class="axis" aria-hidden="true"><span>60 s ago</span><span>now</span></p>
  </section>

  <div class="pair">
  <section class="card" aria-labelledby="rate-title">
  <div class="head"><h2 id="rate-title">Requests per second</h2><p class="key" id="rate-now"></p></div>
  <canvas id="rate" role="img" aria-labelledby="rate-title rate-now"></canvas>
  <p class="axis" aria-hidden="true"><span>60 s ago</span><span>now</span></p>
  </section>
  <section class="card" aria-labelledby="latency-title">
  <div class="head"><h2 id="latency-title">Latency</h2><p class="key" id="latency-now"></p></div>
  <canvas id="latency" role="img" aria-labelledby="latency-title latency-now"></canvas>
  <p class="axis" aria-hidden="true"><span>60 s ago</span><span>darker: more requests</span><span>now</span></p>
  </section>
  </div>

  <section class="card" aria-labelledby="tasks-title">
  <div class="head"><h2 id="tasks-title">Tasks</h2>
  <label class="filter">Filter <input type="search" id="filter" autocomplete="off" spellcheck="false"></label></div>
  <p class="soft" id="tasks-note"></p>
  <div class="scroll" tabindex="0" role="region" aria-labelledby="tasks-title">
  <table id="tasks"><thead><tr id="columns"></tr></thead><tbody></tbody></table>
  </div>
  </section>

  <div class="pair">
  <section class="card" aria-labelledby="stalls-title">
  <div class="head"><h2 id="stalls-title">Stalls</h2><p class="key" id="stalls-now"></p></div>
  <div class="scroll short" tabindex="0" role="region" aria-labelledby="stalls-title">
  <table id="stalls"><thead><tr><th scope="col">When</th><th scope="col">Worker</th><th scope="col">What</th>
  <th scope="col" class="number">Duration</th></tr></thead><tbody></tbody></table>
  </div>
  </section>
  <section class="card" aria-labelledby="longest-title">
  <div class="head"><h2 id="longest-title">Longest jobs</h2><p class="key">of tasks seen on this page</p></div>
  <div class="scroll short" tabindex="0" role="region" aria-labelledby="longest-title">
  <table id="longest"><thead><tr><th scope="col">Task</th><th scope="col">Started at</th>
  <th scope="col" class="number">Duration</th></tr></thead><tbody></tbody></table>
  </div>
  </section>
  </div>
  </main>
  <footer id="footer">Updated twice a second. Data of this process only.</footer>
  </body>
  </html>

  """
