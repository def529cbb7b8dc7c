import RuntimeHTTP
import RuntimeSelection

/// The HTML pages of the web app. They show which runtime served them.
struct Pages: Sendable {
  /// The name of the runtime.
  let runtime: String
  let workers: Int
  let isDemo: Bool
  let views: WebAppViews

  /// The hello page.
  ///
  /// - Parameter note: a line about what the request did first.
  func hello(note: String? = nil) -> Response {
    let kind = RuntimeKind(rawValue: runtime)
    return page(
      title: "Hello from \(runtime)",
      picture: GearTrain.turning(engaged: kind.flatMap(RuntimeKind.allCases.firstIndex)),
      head: """
        <h1>Hello from <em>\(escaped(runtime))</em></h1>
        <p class="lead">This page was served by the <strong>\(escaped(runtime))</strong> runtime on \
        <strong>\(workersText)</strong>.</p>
        \(note.map { "<p class=\"note\" role=\"status\">\(escaped($0))</p>" } ?? "")
        """,
      body: gears + routes)
  }

  /// The page for a path without a route.
  func notFound(path: String) -> Response {
    page(
      title: "404 Not Found", status: .notFound, picture: GearTrain.broken,
      head: """
        <h1>No gear <em>there</em></h1>
        <p class="lead">404: no route for <code>\(escaped(shortened(path)))</code>.</p>
        """,
      body: routes)
  }

  /// The page for a `--demo` route on a server without `--demo`.
  func demoDisabled(_ path: String, does what: String) -> Response {
    page(
      title: "403 Forbidden", status: .forbidden, picture: GearTrain.broken,
      head: """
        <h1>Not without <em>--demo</em></h1>
        <p class="lead">403: <code>\(escaped(path))</code> \(escaped(what)), on purpose. Start the server with \
        <code>--demo</code> to see it.</p>
        """,
      body: routes)
  }

  private func page(
    title: String, status: Status = .ok, picture: String, head: String, body: String
  ) -> Response {
    var response = Response.html(
      """
      <!doctype html>
      <html lang="en">
      <head>
      <meta charset="utf-8">
      <meta name="viewport" content="width=device-width, initial-scale=1">
      <title>\(escaped(title)) · Gearbox</title>
      <link rel="icon" href="\(GearTrain.icon)">
      <style>\(stylesheet)</style>
      </head>
      <body>
      <main>
      <header class="hero">
      <div>
      <p class="mark"><a href="/">Gearbox</a></p>
      \(head)
      </div>
      \(picture)
      </header>
      \(body)
      </main>
      <footer>Gearbox \(gearboxVersion): change gear without touching the car.</footer>
      </body>
      </html>

      """, status: status)
    response.headers["Cache-Control"] = "no-store"
    // The page contains everything it needs, so it may load nothing else.
    response.headers["Content-Security-Policy"] =
      "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; frame-ancestors 'none'"
    return response
  }

  private var workersText: String { workers == 1 ? "1 worker" : "\(workers) workers" }

  private var gears: String {
    let cards = RuntimeKind.allCases.map { kind in
      let isEngaged = kind.rawValue == runtime
      return """
        <li\(isEngaged ? " aria-current=\"true\"" : "")>
        <span class="name">\(kind.rawValue)\(isEngaged ? " <span class=\"badge\">engaged</span>" : "")</span>
        <span class="what">\(escaped(kind.summary))</span>
        <code>RUNTIME=\(kind.rawValue) swift run -c release WebApp</code>
        </li>
        """
    }
    return """
      <section aria-labelledby="gears">
      <h2 id="gears">Change gear</h2>
      <p class="soft">The routes stay the same. One environment variable selects the runtime that runs them; \
      <code>RUNTIME_WORKERS</code> sets the number of threads.</p>
      <ul class="gears">\(cards.joined())</ul>
      </section>
      """
  }

  private var routes: String {
    let rows = Self.catalogue.map { route in
      let path = "<code>\(escaped(route.path))</code>"
      let link = route.method == .get ? "<a href=\"\(escaped(route.path))\">\(path)</a>" : path
      return """
        <li><span><code class="method">\(route.method)</code> \(link)</span>\
        <span class="what">\(route.what)\(flag(for: route.path).map { " Off: start with <code>\($0)</code>." } ?? "")\
        </span></li>
        """
    }
    return """
      <section aria-labelledby="routes">
      <h2 id="routes">Go for a drive</h2>
      <ul class="routes">\(rows.joined())</ul>
      </section>
      """
  }

  /// The flag that enables `path`, if the server was started without it.
  private func flag(for path: String) -> String? {
    switch path {
    case "/console": views.contains(.console) ? nil : "--console"
    case "/metrics": views.contains(.metrics) ? nil : "--metrics"
    default: !isDemo && ["/stall", "/work", "/fail", "/trap"].contains { path.hasPrefix($0) } ? "--demo" : nil
    }
  }

  /// The routes on the page, with their descriptions in HTML.
  private static let catalogue: [(method: Method, path: String, what: String)] = [
    (.get, "/sleep?ms=2000", "Sleeps without blocking: the worker serves other requests meanwhile."),
    (.get, "/block?ms=2000", "Makes a blocking call on a thread for blocking work. Other requests go on."),
    (.get, "/stall?ms=2000", "Blocks a worker: the wrong way to wait."),
    (.get, "/work?us=200", "Computes for 200 microseconds: shows what an overloaded server does."),
    (.get, "/fail", "Throws an error: a 500, and a line in the log."),
    (.get, "/trap", "Ends the process with a trap. With <code>--processes</code> the other processes go on."),
    (.get, "/stream?count=5", "Five server-sent events, one a second; without a count, one a second for ever."),
    (.post, "/echo", "Sends back the content as it arrives, of any size: read while you send."),
    (.post, "/echo/whole", "Sends the content back once all of it has arrived, up to 16 MiB."),
    (.get, "/bytes?count=1000000", "That many bytes, up to 1,000,000,000, for measuring throughput."),
    (.get, "/headers", "Your request as the server received it."),
    (.get, "/runtime", "The state of the runtime and the server, as JSON."),
    (.get, "/console", "The workers, tasks and requests, live. For browsers on this machine only."),
    (.get, "/metrics", "The same as metrics for Prometheus."),
    (.get, "/healthz", "Whether the server is up."),
    (.get, "/plaintext", "<code>Hello, World!</code>, for benchmarks."),
  ]

  /// Shortens a path for display.
  private func shortened(_ path: String) -> String { path.count > 120 ? "\(path.prefix(120))…" : path }
}

/// The version of Gearbox.
public let gearboxVersion = "0.1.0"
