import RuntimeHTTP
import RuntimeSelection

/// The pages, which tell whoever looks at them what they were served by.
struct Pages: Sendable {
  /// The name of the runtime.
  let runtime: String
  let workers: Int
  let isDemo: Bool
  let views: WebAppViews

  /// The hello page; `note` says what came before it.
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

  /// The page for a path that leads nowhere.
  func notFound(path: String) -> Response {
    page(
      title: "404 Not Found", status: .notFound, picture: GearTrain.broken,
      head: """
        <h1>No gear <em>there</em></h1>
        <p class="lead">404: there is nothing at <code>\(escaped(shortened(path)))</code>.</p>
        """,
      body: routes)
  }

  /// The page for a route that does harm on purpose, where the server does not offer it.
  func isOff(_ path: String, does what: String) -> Response {
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
    // Everything is in the page itself, so that nothing else may be loaded by it.
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
        <code>RUNTIME=\(kind.rawValue) swift run WebApp</code>
        </li>
        """
    }
    return """
      <section aria-labelledby="gears">
      <h2 id="gears">Change gear</h2>
      <p class="soft">The routes stay as they are. What runs them is one word in the environment; \
      <code>RUNTIME_WORKERS</code> says on how many threads.</p>
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

  /// What the server has to be started with for `path` to be there, where it was not.
  private func flag(for path: String) -> String? {
    switch path {
    case "/console": views.contains(.console) ? nil : "--console"
    case "/metrics": views.contains(.metrics) ? nil : "--metrics"
    default: !isDemo && ["/stall", "/work", "/fail", "/trap"].contains { path.hasPrefix($0) } ? "--demo" : nil
    }
  }

  /// What there is to see, in HTML.
  private static let catalogue: [(method: Method, path: String, what: String)] = [
    (.get, "/sleep?ms=2000", "Waits without holding up anybody: the worker does other things meanwhile."),
    (.get, "/block?ms=2000", "Waits in a blocking call, on a thread made for that. Nobody is held up either."),
    (.get, "/stall?ms=2000", "Waits the wrong way, blocking a worker."),
    (.get, "/work?us=200", "Computes for so many microseconds: to see what a server does with too much to do."),
    (.get, "/fail", "Throws an error: a 500, and a line in the log."),
    (.get, "/trap", "Ends the process, as a mistake in Swift code does. With <code>--processes</code> others go on."),
    (.get, "/stream?count=5", "Five server-sent events, one a second; without a count, one a second for ever."),
    (.post, "/echo", "Sends back what it is sent, of any size, as it comes: read while you send."),
    (.post, "/echo/whole", "The same once all of it has come, up to 16 MiB: send it all, then read."),
    (.get, "/bytes?count=1000000", "So many bytes, up to 1,000,000,000, to see how fast they come."),
    (.get, "/headers", "Your request as the server saw it."),
    (.get, "/runtime", "What the runtime and the server are doing, as JSON."),
    (.get, "/console", "What runs on the workers, and how requests do, live. To browsers on this machine only."),
    (.get, "/metrics", "The same in figures, for Prometheus."),
    (.get, "/healthz", "Whether the server is up."),
    (.get, "/plaintext", "<code>Hello, World!</code> and no more, for benchmarks."),
  ]

  /// A path may be as long as the request line; a page need not.
  private func shortened(_ path: String) -> String { path.count > 120 ? "\(path.prefix(120))…" : path }
}

/// The version of Gearbox.
public let gearboxVersion = "0.1.0"
