/// The part of the page's script that draws the workers' lanes, the request rate and the latencies.
let scriptOfCharts = #"""

  /** Returns the current colours of the style sheet. */
  function colours() {
    const style = getComputedStyle(document.documentElement);
    const colour = (name) => style.getPropertyValue(`--${name}`).trim();
    return { busy: colour("busy"), accent: colour("accent"), line: colour("line"), soft: colour("soft"),
      ink: colour("ink") };
  }

  /** Clears a canvas at the screen's resolution and returns its size in CSS pixels. */
  function sheet(canvas) {
    const [width, height] = [canvas.clientWidth, canvas.clientHeight];
    const scale = devicePixelRatio || 1;
    canvas.width = Math.round(width * scale);
    canvas.height = Math.round(height * scale);
    const pen = canvas.getContext("2d");
    pen.scale(scale, scale);
    pen.font = "11px system-ui, sans-serif";
    return { pen, width, height };
  }

  /** Returns the position of a time between `left` and `right`, which is now. */
  function place(time, left, right) { return right - (latest.time - time) / SPAN * (right - left); }

  /** Returns the left edge and the width of a frame in whole pixels, so that frames touch. */
  function column(frame, left, right) {
    const start = Math.max(left, Math.floor(place(frame.time - frame.length, left, right)));
    return [start, Math.max(1, Math.floor(place(frame.time, left, right)) - start)];
  }

  /** Draws stripes and a border, which are visible without colour. */
  function hatch(pen, x, y, width, height, colour) {
    pen.save();
    pen.beginPath();
    pen.rect(x, y, width, height);
    pen.clip();
    pen.strokeStyle = colour;
    pen.lineWidth = 1.5;
    for (let at = Math.floor((x - height) / 5) * 5; at < x + width; at += 5) {
      pen.beginPath();
      pen.moveTo(at, y + height);
      pen.lineTo(at + height, y);
      pen.stroke();
    }
    pen.lineWidth = 2;
    pen.strokeRect(x, y, width, height);
    pen.restore();
  }

  const lanes = [];

  function showLanes() {
    const { name, workerCount } = latest.runtime;
    const activities = workersOf(latest);
    element("workers").dataset.known = hasWorkers();
    setText(element("workers-note"), hasWorkers() ? "" : `The runtime ${name} runs its jobs on Swift's own pool of ${workerCount} threads, `
      + "whose work is not visible. Set a number of workers (RUNTIME_WORKERS) to see them here. Tasks are "
      + "listed below, with the last wait that each began.");
    // Only a list that is too long scrolls, and only then the keyboard must reach it.
    element("lanes").tabIndex = activities.length > 16 ? 0 : -1;
    while (lanes.length > activities.length) lanes.pop().row.remove();
    while (lanes.length < activities.length) {
      const lane = { row: make("li"), name: make("span"), share: make("span", "", "share"),
        doing: make("span", "", "doing"), canvas: make("canvas") };
      lane.canvas.setAttribute("role", "img");
      lane.row.append(lane.name, lane.share, lane.doing, lane.canvas);
      element("lanes").append(lane.row);
      lanes.push(lane);
    }
    const palette = colours();
    activities.forEach((worker, index) => showLane(lanes[index], worker, index, palette));
  }

  function showLane(lane, worker, index, palette) {
    setText(lane.name, worker.name);
    const lately = frames.filter((frame) => frame.time > latest.time - 5);
    const length = sum(lately, (frame) => frame.length);
    const busy = length > 0 ? sum(lately, (frame) => (frame.workers[index]?.share ?? 0) * frame.length) / length : 0;
    setText(lane.share, `${Math.round(busy * 100)} %`);
    const isHeld = worker.isBusy && worker.jobAge >= LONG;
    const what = [worker.activity, worker.task].filter((text) => text !== null).join(", ");
    lane.doing.className = isHeld ? "doing held" : what && worker.isBusy ? "doing" : "doing idle";
    setText(lane.doing, !worker.isBusy ? "idle" : isHeld ? `▲ ${what || "a job"}, ${duration(worker.jobAge)}` : what || "busy");
    lane.doing.title = lane.doing.textContent;

    const { pen, width, height } = sheet(lane.canvas);
    pen.fillStyle = palette.busy;
    for (const frame of frames) {
      const share = frame.workers[index]?.share ?? 0;
      if (share <= 0) continue;
      const [x, wide] = column(frame, 0, width);
      const high = Math.max(1, Math.round(share * height));
      pen.fillRect(x, height - high, wide, high);
    }
    const seen = held(worker.name, index);
    for (const [start, end] of seen) {
      const [from, to] = [Math.max(0, place(start, 0, width)), place(end, 0, width)];
      hatch(pen, from, 0, Math.max(4, to - from), height, palette.accent);
    }
    lane.canvas.setAttribute("aria-label",
      `${worker.name}: busy ${Math.round(busy * 100)} % of the last 5 s, ${seen.length} stalls in the last ${SPAN} s`);
  }

  /** Returns the intervals in which a worker was blocked, according to its stalls and the snapshots. */
  function held(name, index) {
    const times = latest.stalls.filter((stall) => stall.worker === name)
      .map((stall) => [stall.time - stall.duration, stall.time]);
    for (const frame of frames) {
      const age = frame.workers[index]?.age ?? 0;
      if (age >= LONG) times.push([frame.time - age, frame.time]);
    }
    const merged = [];
    for (const [start, end] of times.sort((a, b) => a[0] - b[0])) {
      const last = merged.at(-1);
      if (end < latest.time - SPAN) continue;
      if (last && start < last[1] + 0.02) last[1] = Math.max(last[1], end); else merged.push([start, end]);
    }
    return merged;
  }

  /** The space at the left for the labels of lines. */
  const MARGIN = 46;

  function showRate() {
    const { pen, width, height } = sheet(element("rate"));
    const palette = colours();
    const most = Math.max(1, ...frames.map((frame) => frame.requests / frame.length));
    const step = niceStep(most / 4);
    const top = Math.ceil(most / step) * step;
    const floor = height - 6;
    const y = (value) => floor - value / top * (floor - 10);
    pen.textAlign = "right";
    for (let value = 0; value <= top; value += step) {
      pen.fillStyle = palette.line;
      pen.fillRect(MARGIN, Math.round(y(value)), width - MARGIN, 1);
      pen.fillStyle = palette.soft;
      pen.fillText(value >= 10000 ? `${number(value / 1000)} k` : number(value), MARGIN - 6, y(value) + 4);
    }
    pen.fillStyle = palette.busy;
    for (const frame of frames) {
      const [x, wide] = column(frame, MARGIN, width);
      const at = Math.round(y(frame.requests / frame.length));
      pen.fillRect(x, at, wide, Math.round(floor) - at);
    }
    setText(element("rate-now"), frames.length > 0 ? `${rate(recent(5).rate)} now, at most ${rate(most)}` : "");
  }

  /** Returns 1, 2 or 5 times a power of ten, at least `value`. */
  function niceStep(value) {
    const power = 10 ** Math.floor(Math.log10(Math.max(value, 1)));
    return [1, 2, 5, 10].map((factor) => factor * power).find((step) => step >= value);
  }

  function showLatency() {
    const { pen, width, height } = sheet(element("latency"));
    const palette = colours();
    const bounds = latest.durationBounds;
    const rows = bounds.length + 1;
    const y = (bucket) => Math.round(height - 4 - bucket * (height - 10) / rows);
    pen.textAlign = "right";
    for (const bound of [0.0001, 0.001, 0.01, 0.1, 1, 10]) {
      const line = bounds.findIndex((other) => Math.abs(other - bound) < bound / 1000) + 1;
      if (line === 0) continue;
      pen.fillStyle = palette.line;
      pen.fillRect(MARGIN, y(line), width - MARGIN, 1);
      pen.fillStyle = palette.soft;
      pen.fillText(duration(bound).replace(".0", ""), MARGIN - 6, y(line) + 4);
    }
    // Logarithmic, so that one slow request among thousands is visible.
    const most = Math.max(1, ...frames.flatMap((frame) => frame.buckets));
    pen.fillStyle = palette.accent;
    for (const frame of frames) {
      const [x, wide] = column(frame, MARGIN, width);
      frame.buckets.forEach((count, bucket) => {
        if (count === 0) return;
        pen.globalAlpha = 0.3 + 0.7 * Math.log(1 + count) / Math.log(1 + most);
        pen.fillRect(x, y(bucket + 1) + 1, wide, y(bucket) - y(bucket + 1) - 1);
      });
    }
    pen.globalAlpha = 1;
    const all = recent(SPAN).buckets;
    const parts = [[0.5, "half"], [0.9, "90 %"], [0.99, "99 %"]].map(([part, name]) => {
      const limit = quantile(all, bounds, part);
      return limit === null ? null : `${name} ${duration(limit)}`;
    });
    setText(element("latency-now"), parts[0] === null ? "no requests" : `within: ${parts.join(", ")}`);
  }

  """#
