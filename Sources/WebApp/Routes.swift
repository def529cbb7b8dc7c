import Glibc
import Runtime
import RuntimeHTTP
import RuntimeSelection

/// The routes. Each takes only the dependencies that it uses: a clock, a runtime, or none.
enum Routes {
  /// Returns the hello page.
  static func hello(_ pages: Pages) -> Router.ImmediateFunction {
    let page = NoSniffing.marking(pages.hello())
    return { _ in page }
  }

  /// Waits without blocking a thread, then returns the hello page.
  static func sleep(_ clock: some Clock<Duration>, _ pages: Pages) -> Router.Function {
    { request in
      let wait = try milliseconds(request.query)
      let elapsed = try await clock.measure { try await clock.sleep(for: wait) }
      return pages.hello(note: "Slept for \(text(elapsed)) without blocking: the worker did other work meanwhile.")
    }
  }

  /// Waits in a blocking call on a thread of the blocking pool, then returns the hello page. If all threads of the pool
  /// are busy, the request is refused with a 503.
  static func block(_ runtime: some AsyncRuntime, _ pages: Pages) -> Router.Function {
    { request in
      let wait = try milliseconds(request.query)
      let elapsed = try await runtime.clock.measure { try await runtime.runBlocking { blockThread(for: wait) } }
      return pages.hello(note: "Blocked a thread of the blocking pool for \(text(elapsed)); no worker was blocked.")
    }
  }

  /// Waits the wrong way: blocks the worker, and with it all other clients of that worker.
  static func stall(_ clock: some Clock<Duration>, _ pages: Pages) -> Router.ImmediateFunction {
    { request in
      guard pages.isDemo else {
        return pages.demoDisabled("/stall", does: "blocks a worker, and its other clients wait")
      }
      let wait = try milliseconds(request.query)
      let elapsed = clock.measure { blockThread(for: wait) }
      return pages.hello(note: "Blocked a worker for \(text(elapsed)), and with it all its other clients.")
    }
  }

  /// Computes for the time that `?us=` specifies, like a handler that generates its response. Used to keep a server
  /// busy and observe it under load.
  static func work(_ clock: some Clock<Duration>, _ pages: Pages) -> Router.ImmediateFunction {
    let response = NoSniffing.marking(.text("done\n"))
    return { request in
      guard pages.isDemo else { return pages.demoDisabled("/work", does: "keeps a worker computing") }
      let work = Duration.microseconds(try number("us", in: 0...1_000_000, request.query) ?? 200)
      let end = clock.now.advanced(by: work)
      while clock.now < end {}
      return response
    }
  }

  /// Throws an error that handlers should not throw: the client gets a 500, and the log a line.
  static func fail(_ pages: Pages) -> Router.ImmediateFunction {
    { _ in
      guard pages.isDemo else { return pages.demoDisabled("/fail", does: "fails, and writes a line to the log") }
      throw FailedOnPurpose()
    }
  }

  /// Reads past the end of an array, which ends the process: Swift code cannot catch this.
  static func trap(_ pages: Pages) -> Router.ImmediateFunction {
    { _ in
      guard pages.isDemo else { return pages.demoDisabled("/trap", does: "ends the process, and every request in it") }
      let nothing: [Response] = []
      return nothing[0]
    }
  }

  private struct FailedOnPurpose: Error {}

  /// Sends back the content chunk by chunk, so that its size does not matter. The server reads from the client only as
  /// fast as the client reads, so the client has to read while it sends. The content may come from another site, so a
  /// browser must not execute any of it as if it came from this server.
  @Sendable static func echo(_ request: Request) -> Response {
    echo(.stream(length: request.body.length, request.body), of: request)
  }

  /// Sends back the content after all of it has arrived, for clients that send everything before they read.
  static var echoWhole: Router.Function {
    { request in echo(.bytes(try await request.body.collect(upTo: 16 * 1024 * 1024)), of: request) }
  }

  private static func echo(_ body: ResponseBody, of request: Request) -> Response {
    var response = Response(body: body)
    let type = request.headers.contentType
    response.headers["Content-Type"] =
      type.map(\.mayHoldScripts) == false ? request.headers["Content-Type"] : MediaType.octetStream.description
    response.headers["Content-Security-Policy"] = "default-src 'none'; sandbox"
    return response
  }

  /// Sends back the request's head as the server received it.
  @Sendable static func headers(_ request: Request) -> Response {
    let lines = request.headers.map { "\($0.name): \($0.value)\n" }
    return .text("\(request.method) \(request.target) \(request.version)\n" + lines.joined())
  }

  /// Sends server-sent events: one per second, or every `?ms=` milliseconds, forever or `?count=` times. The stream
  /// ends when the client disconnects or the server shuts down.
  static func stream(_ clock: some Clock<Duration>, name: String, isStopping: StopFlag) -> Router.ImmediateFunction {
    { request in
      let pause = try milliseconds(request.query, unlessGiven: 1000)
      let count = try number("count", in: 0...1_000_000, request.query)
      var response = Response(
        body: .stream { writer in
          // The client should learn immediately that its request was accepted.
          try await writer.flush()
          var tick = 0
          while tick < count ?? .max, !isStopping.isSet {
            if tick > 0 { try await clock.sleep(for: pause) }
            tick += 1
            try await writer.write("id: \(tick)\nevent: tick\ndata: {\"tick\":\(tick),\"runtime\":\"\(name)\"}\n\n")
          }
        })
      response.headers.contentType = .eventStream
      response.headers["Cache-Control"] = "no-store"
      return response
    }
  }

  /// Sends `?count=` bytes, by default a mebibyte, for measuring throughput.
  static let bytes: Router.ImmediateFunction = {
    let block = [UInt8](repeating: UInt8(ascii: "."), count: 64 * 1024)
    return { request in
      let count = try number("count", in: 0...1_000_000_000, request.query) ?? 1 << 20
      var response = Response(
        body: .stream(length: count) { writer in
          for _ in 0..<count / block.count { try await writer.write(block) }
          try await writer.write(Array(block.prefix(count % block.count)))
        })
      response.headers.contentType = .octetStream
      response.headers["Cache-Control"] = "no-store"
      return response
    }
  }()

  /// Returns the state of the runtime and the server as JSON.
  static func status(_ runtime: some AsyncRuntime, _ server: ServerStatus) -> Router.ImmediateFunction {
    { _ in
      let (tasks, connections) = (runtime.metrics, server.metrics)
      var response = Response.json(
        """
        {
          "runtime": "\(runtime.name)",
          "workers": \(runtime.workerCount),
          "connections": {"open": \(connections.openConnections), "total": \(connections.totalConnections)},
          "requests": {"inFlight": \(connections.requestsInFlight), "total": \(connections.totalRequests)},
          "tasks": \(tasks.tasks),
          "queueDepths": \(tasks.queueDepths),
          "blocking": {"threads": \(tasks.blockingThreads), "queued": \(tasks.blockingQueueDepth), \
        "refused": \(tasks.refusedBlockingCalls)},
          "stalls": {"total": \(tasks.stalls), "longestMs": \(milliseconds(tasks.longestStall))},
          "relief": {"workers": \(tasks.reliefWorkers), "total": \(tasks.reliefs)}
        }

        """)
      response.headers["Cache-Control"] = "no-store"
      return response
    }
  }

  /// A health check, which succeeds while the server is up.
  static let health: Router.ImmediateFunction = { _ in .text("ok\n") }

  /// Returns a short constant text. The response is made once, so that a request costs only what the server costs.
  static let plaintext: Router.ImmediateFunction = {
    let response = NoSniffing.marking(.text("Hello, World!"))
    return { _ in response }
  }()

  /// An empty response: the icon is in the pages, and browsers that ask for this path get nothing more.
  static let favicon: Router.ImmediateFunction = { _ in
    Response(status: .noContent, headers: ["Cache-Control": "max-age=86400"])
  }
}

/// Returns the wait that `?ms=` specifies, at most a minute.
private func milliseconds(_ query: QueryItems, unlessGiven standard: Int = 5000) throws(HTTPError) -> Duration {
  .milliseconds(try number("ms", in: 0...60_000, query) ?? standard)
}

/// Returns the value of the query item `name`, if there is one.
private func number(
  _ name: String, in range: ClosedRange<Int>, _ query: QueryItems
) throws(HTTPError) -> Int? {
  guard let value = query[name] else { return nil }
  do throws(InvalidSetting) {
    return try SettingFormat.wholeNumber(in: range).value(value, of: name)
  } catch {
    throw HTTPError(.badRequest, "?\(error)\n")
  }
}

/// Blocks the calling thread, as a call into a synchronous library would.
private func blockThread(for duration: Duration) {
  let (seconds, attoseconds) = duration.components
  var wait = timespec(tv_sec: Int(seconds), tv_nsec: Int(attoseconds / 1_000_000_000))
  var rest = timespec()
  while nanosleep(&wait, &rest) == -1, errno == EINTR { wait = rest }
}

private func text(_ duration: Duration) -> String { "\(milliseconds(duration)) ms" }

private func milliseconds(_ duration: Duration) -> Int64 {
  let (seconds, attoseconds) = duration.components
  return seconds * 1000 + attoseconds / 1_000_000_000_000_000
}
