/// The script of the page.
///
/// Data from the server is inserted as text (`textContent`) or drawn, never as HTML, because names of tasks and routes
/// may contain anything.
let consoleScript = scriptOfFigures + scriptOfBanner + scriptOfCharts + scriptOfTables + scriptOfConnection

/// The part that stores the differences between snapshots, for the time span of the charts.
private let scriptOfFigures = #"""
  "use strict";

  /** The time span of the charts, and the duration from which on a job counts as long, in seconds. */
  const SPAN = 60, LONG = 0.1;

  const element = (id) => document.getElementById(id);

  function make(name, text, className) {
    const made = document.createElement(name);
    if (text !== undefined) made.textContent = text;
    if (className) made.className = className;
    return made;
  }

  /** Sets text only if it differs, so that a selection survives. */
  function setText(where, text) {
    if (where.textContent !== text) where.textContent = text;
  }

  function duration(seconds) {
    if (seconds < 0.001) return `${Math.round(seconds * 1e6)} µs`;
    if (seconds < 0.01) return `${(seconds * 1e3).toFixed(1)} ms`;
    if (seconds < 1) return `${Math.round(seconds * 1e3)} ms`;
    if (seconds < 60) return `${seconds.toFixed(1)} s`;
    if (seconds < 3600) return `${Math.floor(seconds / 60)} min ${Math.floor(seconds % 60)} s`;
    if (seconds < 86400) return `${Math.floor(seconds / 3600)} h ${Math.floor(seconds / 60) % 60} min`;
    return `${Math.floor(seconds / 86400)} d ${Math.floor(seconds / 3600) % 24} h`;
  }

  const grouped = new Intl.NumberFormat("en");
  const number = (value) => grouped.format(value);
  const rate = (value) => value < 9.95 ? value.toFixed(1) : number(Math.round(value));
  const sum = (list, of) => list.reduce((total, item) => total + of(item), 0);

  function bytes(value) {
    for (const [unit, size] of [["GiB", 2 ** 30], ["MiB", 2 ** 20], ["KiB", 2 ** 10]]) {
      if (value >= size) return [(value / size).toFixed(value < 10 * size ? 1 : 0), unit];
    }
    return [String(value), "B"];
  }

  let latest = null;
  /** The change before each snapshot. */
  let frames = [];

  /** The last long job of each worker: the log lacks the end of a stall that was reported before it was over. */
  const lastHeld = new Map();

  /** The page's own requests are not counted. */
  const isOurs = (figures) => (figures.route ?? "").startsWith(location.pathname);

  function addSnapshot(snapshot) {
    if (latest && latest.time < snapshot.time && latest.process.startTime === snapshot.process.startTime) {
      frames.push(difference(latest, snapshot));
    } else if (latest && latest.time !== snapshot.time) {
      // Another process, or another clock: earlier data is not comparable.
      frames = [];
    }
    frames = frames.filter((frame) => frame.time > snapshot.time - SPAN);
    latest = snapshot;
    noteLongest(snapshot);
    for (const { name, isBusy, jobAge } of snapshot.runtime.activities) {
      if (isBusy && jobAge >= LONG) lastHeld.set(name, { age: jobAge, start: snapshot.time - jobAge });
    }
  }

  function difference(before, after) {
    const length = after.time - before.time;
    const known = new Map(before.requests.map((figures) => [key(figures), figures]));
    const buckets = new Array(after.durationBounds.length + 1).fill(0);
    for (const figures of after.requests.filter((figures) => !isOurs(figures))) {
      const old = known.get(key(figures));
      figures.durations.forEach((count, index) => { buckets[index] += count - (old ? old.durations[index] : 0); });
    }
    const cpu = (process) => (process.userTime ?? 0) + (process.systemTime ?? 0);
    return {
      time: after.time, length, buckets,
      requests: sum(buckets, (count) => count),
      cpu: (cpu(after.process) - cpu(before.process)) / length,
      workers: workersOf(after).map((activity, index) => ({
        share: share(before.runtime.activities[index], activity, length), age: activity.isBusy ? activity.jobAge : 0,
      })),
    };
  }

  /** Returns the activities of the runtime's workers, without those of relief workers, which follow. */
  const workersOf = (snapshot) => snapshot.runtime.activities.slice(0, snapshot.runtime.workerCount);

  /** Whether workers and jobs are visible, unlike on Swift's own pool. */
  const hasWorkers = () => latest.runtime.activities.length > 0;

  const key = (figures) => `${figures.method} ${figures.route} ${figures.statusClass} ${figures.isRefused}`;

  function share(before, after, length) {
    return before ? Math.min(1, Math.max(0, (after.busyTime - before.busyTime) / length)) : 0;
  }

  /** Returns the quantile `part` of the durations in `buckets`, interpolated. */
  function quantile(buckets, bounds, part) {
    const total = sum(buckets, (count) => count);
    if (total === 0) return null;
    let rest = total * part;
    for (let index = 0; index < buckets.length; index += 1) {
      if (rest <= buckets[index] && buckets[index] > 0) {
        const low = index === 0 ? 0 : bounds[index - 1];
        return index === bounds.length ? low : low + (bounds[index] - low) * rest / buckets[index];
      }
      rest -= buckets[index];
    }
    return bounds[bounds.length - 1];
  }

  /** Returns the sums over the last `seconds`. */
  function recent(seconds) {
    const chosen = frames.filter((frame) => frame.time > latest.time - seconds);
    const length = sum(chosen, (frame) => frame.length);
    const buckets = (chosen[0]?.buckets ?? []).map((_, index) => sum(chosen, (frame) => frame.buckets[index]));
    return {
      buckets, length,
      rate: length > 0 ? sum(chosen, (frame) => frame.requests) / length : 0,
      cpu: length > 0 ? sum(chosen, (frame) => frame.cpu * frame.length) / length : 0,
    };
  }

  """#

/// The part that shows the banner with blocked workers, and the row of tiles.
private let scriptOfBanner = #"""

  /** Returns the jobs that block a worker now, grouped by activity. */
  function culprits(snapshot) {
    const found = new Map();
    function add(worker, what, isKnown, age) {
      const entry = found.get(what) ?? { what, isKnown, workers: [], age: 0 };
      if (!entry.workers.includes(worker)) entry.workers.push(worker);
      entry.age = Math.max(entry.age, age);
      found.set(what, entry);
    }
    for (const worker of snapshot.runtime.activities) {
      if (!worker.isBusy || worker.jobAge < LONG) continue;
      const what = worker.activity ?? worker.task;
      add(worker.name, what ?? "an unnamed job", what !== null, worker.jobAge);
    }
    const workers = new Set(snapshot.runtime.activities.map((worker) => worker.name));
    for (const task of snapshot.tasks ?? []) {
      if (task.worker === null || workers.has(task.worker) || task.stateAge < LONG) continue;
      const what = task.activity ?? task.name;
      add(task.worker, what ?? "an unnamed job", what !== null, task.stateAge);
    }
    return [...found.values()].sort((a, b) => b.age - a.age);
  }

  function listed(names) {
    if (names.length > 3) return `${names.slice(0, 2).join(", ")} and ${names.length - 2} more`;
    return names.length < 2 ? names.join("") : `${names.slice(0, -1).join(", ")} and ${names.at(-1)}`;
  }

  function sentence(before, what, isKnown, after) {
    const item = make("li", before);
    item.append(isKnown ? make("code", what) : what, after);
    return item;
  }

  /** Returns the stalls of the last minute, the longest first, with durations from the log or the snapshots. */
  function pastStalls() {
    return latest.stalls.filter((stall) => latest.time - stall.time < SPAN).map((stall) => {
      const start = stall.time - stall.duration;
      const seen = lastHeld.get(stall.worker);
      const isSame = !stall.isOver && seen && Math.abs(seen.start - start) < LONG;
      const length = isSame ? Math.max(stall.duration, seen.age) : stall.duration;
      const what = stall.activity ?? stall.task;
      return { worker: stall.worker, what: what ?? "an unnamed job", isKnown: what !== null, length,
        isOver: stall.isOver, end: start + length };
    }).sort((a, b) => b.length - a.length);
  }

  let announced = "";

  /** Announces a change to screen readers, once per change. */
  function announce(news) {
    if (news !== announced) setText(element("news"), news);
    announced = news;
  }

  function showBanner() {
    const [banner, list, advice] = [element("banner"), element("culprits"), element("advice")];
    const found = culprits(latest);
    const past = pastStalls();
    if (found.length > 0) {
      banner.dataset.level = "bad";
      list.replaceChildren(...found.slice(0, 4).map(({ what, isKnown, workers, age }) => sentence(
        `${listed(workers)} ${workers.length > 1 ? "have" : "has"} been in `, what, isKnown,
        ` for ${workers.length > 1 ? "up to " : ""}${duration(age)}`)));
      const { reliefWorkers } = latest.runtime;
      setText(advice, "It blocks or computes without suspending, so other ready tasks wait. Move such work to runBlocking."
        + (reliefWorkers > 0 ? ` ${reliefWorkers} relief ${reliefWorkers > 1 ? "workers run" : "worker runs"} the rest.` : ""));
      announce(found.map(({ what, workers }) => `${listed(workers)} blocked by ${what}`).join("; "));
    } else if (past.length > 0) {
      banner.dataset.level = "past";
      const { worker, what, isKnown, length, isOver, end } = past[0];
      list.replaceChildren(sentence(
        `${worker} was in `, what, isKnown,
        ` for ${duration(length)}${isOver ? "" : " or more"}, ${duration(Math.max(0, latest.time - end))} ago`));
      setText(advice, "No worker is blocked now." + (past.length > 1
        ? ` This was the longest of ${past.length} stalls in the last minute.` : ""));
      announce("No worker is blocked any more");
    } else {
      const isKnown = hasWorkers();
      banner.dataset.level = isKnown ? "calm" : "unknown";
      list.replaceChildren(make("li", isKnown
        ? "No worker is blocked" : "It is unknown whether a worker is blocked: see below"));
      setText(advice, "");
    }
  }

  function showAbout() {
    const { name, workerCount } = latest.runtime;
    const workers = `${workerCount} worker${workerCount === 1 ? "" : "s"}`;
    const where = latest.servers.map((server) => server.address).join(", ");
    element("about").replaceChildren(
      "Runtime ", make("strong", name), `, ${workers}${where ? `, at ${where}` : ""}, up ${duration(latest.uptime)}`);
  }

  const tiles = new Map();

  function tile(name, value, unit = "") {
    if (!tiles.has(name)) {
      const [row, figure] = [make("div"), make("dd")];
      row.append(make("dt", name), figure);
      figure.append(make("span"), " ", make("small"));
      element("tiles").append(row);
      tiles.set(name, figure);
    }
    const [figure, small] = tiles.get(name).children;
    setText(figure, value);
    setText(small, unit);
  }

  function showTiles() {
    const { servers, process, runtime } = latest;
    const now = recent(5);
    const bounds = latest.durationBounds;
    tile("Requests", rate(now.rate), "per second");
    for (const [name, part] of [["Half within", 0.5], ["99 % within", 0.99]]) {
      const limit = quantile(now.buckets, bounds, part);
      tile(name, limit === null ? "–" : duration(limit));
    }
    tile("In flight", number(sum(servers, (server) => server.requestsInFlight)));
    tile("Connections", number(sum(servers, (server) => server.openConnections)));
    const [refused, isOverloaded] = [sum(servers, (server) => server.shedRequests),
      servers.some((server) => server.isOverloaded)];
    if (refused > 0 || isOverloaded) tile("Refused", number(refused), isOverloaded ? "overloaded now" : "");
    tile("Tasks", number(runtime.tasks));
    tile("Ready jobs", number(sum(runtime.queueDepths, (depth) => depth)), "waiting");
    const queued = runtime.blockingQueueDepth;
    tile("Blocking threads", number(runtime.blockingThreads), queued > 0 ? `${number(queued)} calls wait` : "");
    tile("Processor", `${Math.round(now.cpu * 100)} %`, "of a core");
    if (process.residentBytes !== null) tile("Memory", ...bytes(process.residentBytes));
    if (process.openDescriptors !== null) {
      const most = process.maximumDescriptors;
      tile("Descriptors", number(process.openDescriptors), most === null ? "" : `of ${number(most)}`);
    }
    tile("Stalls", number(runtime.stalls), runtime.stalls > 0 ? `up to ${duration(runtime.longestStall)}` : "");
  }

  """#

/// The part that receives snapshots, and shows the state of the connection.
private let scriptOfConnection = #"""

  let isPaused = false;
  /** When the last snapshot arrived, by the browser's clock. */
  let heard = performance.now();
  let isLost = false;

  function show() {
    if (!latest) return;
    showAbout();
    showBanner();
    showTiles();
    showLanes();
    showRate();
    showLatency();
    showTasks();
    showStalls();
    showLongest();
  }

  function showConnection() {
    const silence = (performance.now() - heard) / 1000;
    const [state, text] = isLost ? ["lost", "The server does not respond: retrying"]
      : silence > 2 ? ["late", `No data for ${Math.floor(silence)} s`]
      : !latest ? ["waiting", "Connecting"] : isPaused ? ["paused", "Paused"] : ["live", "Live"];
    element("connection").dataset.state = state;
    setText(element("connection"), text);
  }

  const events = new EventSource("console/events");
  events.onmessage = (event) => {
    heard = performance.now();
    isLost = false;
    addSnapshot(JSON.parse(event.data));
    showConnection();
    if (!isPaused) show();
  };
  events.onerror = () => { isLost = true; showConnection(); };
  setInterval(showConnection, 500);

  element("pause").addEventListener("click", () => {
    isPaused = !isPaused;
    element("pause").setAttribute("aria-pressed", String(isPaused));
    showConnection();
    if (!isPaused) show();
  });
  element("filter").addEventListener("input", () => { if (latest) showTasks(); });
  addEventListener("resize", show);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", show);

  """#
