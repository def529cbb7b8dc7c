/// The part of the page's script that fills the tables of tasks, stalls and longest jobs.
let scriptOfTables = #"""

  /** The maximum number of rows. */
  const ROWS = 100;
  const states = ["running", "ready", "waiting", "suspended"];

  /** Returns a value that depends on a task's jobs, if jobs are visible. */
  const ofJobs = (text) => (task) => hasWorkers() ? text(task) : "–";

  /** The columns of the table of tasks: the text, the sort key, and whether that is a number. */
  const columns = [
    { title: "Task", text: taskName, value: (task) => taskName(task).toLowerCase() },
    { title: "State", text: stateText, value: (task) => states.indexOf(task.state) - task.stateAge / 1e9 },
    { title: "Started at", text: (task) => task.location ?? "–", value: (task) => task.location ?? "", isCode: true },
    { title: "Age", text: (task) => duration(task.age), value: (task) => task.age, isNumber: true },
    { title: "Busy", text: ofJobs((task) => duration(task.busyTime)), value: (task) => task.busyTime, isNumber: true },
    { title: "Longest job", text: ofJobs((task) => duration(task.longestJob)), value: (task) => task.longestJob, isNumber: true },
    { title: "Jobs", text: ofJobs((task) => number(task.jobs)), value: (task) => task.jobs, isNumber: true },
    { title: "Wakes", text: ofJobs((task) => number(task.wakes)), value: (task) => task.wakes, isNumber: true },
  ];
  /** Running tasks come first. */
  let sorting = { column: 1, isAscending: true };

  function taskName(task) {
    return [task.name, task.activity].filter((text) => text !== null).join(": ") || `task ${task.id}`;
  }

  const isLong = (task) => task.state === "running" && task.worker !== null && task.stateAge >= LONG;

  function stateText(task) {
    if (!hasWorkers()) return task.stateText;
    return isLong(task) ? `▲ ${task.stateText} for ${duration(task.stateAge)}`
      : `${task.stateText}, ${duration(task.stateAge)}`;
  }

  const headings = columns.map((column, index) => {
    const [heading, button] = [make("th", undefined, column.isNumber ? "number" : ""), make("button", column.title)];
    heading.scope = "col";
    button.type = "button";
    button.addEventListener("click", () => {
      // Numbers are sorted from the largest down first.
      sorting = { column: index, isAscending: sorting.column === index ? !sorting.isAscending : !column.isNumber };
      showSorting();
      if (latest) showTasks();
    });
    heading.append(button);
    element("columns").append(heading);
    return heading;
  });

  function showSorting() {
    headings.forEach((heading, index) => {
      if (index === sorting.column) {
        heading.setAttribute("aria-sort", sorting.isAscending ? "ascending" : "descending");
      } else {
        heading.removeAttribute("aria-sort");
      }
    });
  }
  showSorting();

  /** Resizes a table to `count` rows and returns them. Rows are reused, so that a selection survives. */
  function rows(table, count, width) {
    const body = table.tBodies[0];
    while (body.rows.length > count) body.rows[body.rows.length - 1].remove();
    while (body.rows.length < count) {
      const row = body.insertRow();
      for (let cell = 0; cell < width; cell += 1) row.insertCell();
    }
    return [...body.rows];
  }

  function fill(row, texts, classes, rowClass = "") {
    row.className = rowClass;
    texts.forEach((text, index) => {
      const cell = row.cells[index];
      cell.className = classes[index] ?? "";
      setText(cell, text);
    });
  }

  const taskClasses = columns.map((column) => column.isNumber ? "number" : column.isCode ? "soft code" : "");

  function showTasks() {
    const all = latest.tasks;
    const wanted = element("filter").value.trim().toLowerCase();
    const column = columns[sorting.column];
    const chosen = (all ?? []).filter((task) => !wanted
      || [taskName(task), stateText(task), task.location ?? ""].some((text) => text.toLowerCase().includes(wanted)));
    const order = sorting.isAscending ? 1 : -1;
    chosen.sort((a, b) => {
      const [x, y] = [column.value(a), column.value(b)];
      return x < y ? -order : x > y ? order : a.id - b.id;
    });
    const shown = chosen.slice(0, ROWS);
    rows(element("tasks"), shown.length, columns.length).forEach((row, index) => {
      fill(row, columns.map(({ text }) => text(shown[index])), taskClasses, isLong(shown[index]) ? "long" : "");
    });
    setText(element("tasks-note"), all === null ? "Tasks are not watched."
      : `${number(shown.length)} of ${number(latest.taskCount)} tasks. The list contains tasks started on the runtime while `
        + "tasks were watched, without child tasks.");
  }

  function clock(seconds) {
    return new Date(seconds * 1000).toLocaleTimeString("en-GB");
  }

  function showStalls() {
    const stalls = latest.stalls.toReversed();
    const made = rows(element("stalls"), Math.max(1, stalls.length), 4);
    stalls.forEach((stall, index) => {
      fill(made[index], [
        clock(stall.time), stall.worker, [stall.activity, stall.task].filter((text) => text !== null).join(", ") || "–",
        `${duration(stall.duration)}${stall.isOver ? "" : " and more"}`,
      ], ["", "", "code", "number"]);
    });
    const total = latest.runtime.stalls;
    // A stall in progress is counted at once, and logged when it is over or after a second.
    if (stalls.length === 0) fill(made[0], [total === 0 ? "None so far" : "None reported yet", "", "", ""], ["empty"]);
    setText(element("stalls-now"), total > 100 ? `the last ${stalls.length} of ${number(total)}` : `${number(total)} so far`);
  }

  /** The tasks with the longest jobs since the page was opened, by number. */
  const longest = new Map();

  function noteLongest(snapshot) {
    for (const task of snapshot.tasks ?? []) {
      const known = longest.get(task.id);
      // The activity of a job is known only while it runs.
      const name = isLong(task) || !known ? taskName(task) : known.name;
      longest.set(task.id, { id: task.id, name, location: task.location, time: task.longestJob });
    }
    if (longest.size <= 2000) return;
    for (const { id } of [...longest.values()].sort((a, b) => b.time - a.time).slice(1000)) longest.delete(id);
  }

  function showLongest() {
    const top = !hasWorkers() ? [] : [...longest.values()].sort((a, b) => b.time - a.time).slice(0, 10);
    const made = rows(element("longest"), Math.max(1, top.length), 3);
    top.forEach((task, index) => {
      fill(made[index], [task.name, task.location ?? "–", duration(task.time)], ["", "soft code", "number"],
        task.time >= LONG ? "long" : "");
    });
    if (top.length === 0) fill(made[0], [hasWorkers() ? "No tasks seen" : "Unknown on this runtime", "", ""], ["empty"]);
  }

  """#
