public import Runtime

/// A conformance suite: what every ``AsyncRuntime`` promises its users, as cases that can check any backend.
///
/// Use it in the test target of a backend:
///
/// ```swift
/// @Test(.serialized, arguments: RuntimeConformance.cases)
/// func `My runtime keeps its promises`(promise: RuntimeConformance.Case) async throws {
///   try await promise.check { try MyRuntime() }
/// }
/// ```
///
/// A failed case throws a ``BrokenPromise`` with the expected and the observed result. Run one after another, the cases
/// take a few seconds. In parallel they compete for processor time and take no less in total.
///
/// The cases cover exactly the promises in the documentation of ``Executor``, ``ByteStream``, ``StreamListener``,
/// ``DatagramSocket`` and ``AsyncRuntime``. They do not check a backend's speed or its implementation.
public enum RuntimeConformance {
  /// All cases, ordered by area.
  public static let cases: [Case] = [
    executor, yielding, fairness, stalls, timers, streams, listeners, socketNames, inheritedSockets, addresses,
    datagrams, datagramAddresses, cancellation, closing, blockingWork, shutdown, threads, leaks, load, faults,
  ].flatMap { $0 }

  /// Returns the cases for a backend that cannot satisfy `needs`. A simulated backend, for example, has no
  /// ``Needs/threads``.
  public static func cases(without needs: Needs) -> [Case] {
    cases.filter { $0.needs.isDisjoint(with: needs) }
  }

  /// The area of a promise.
  public enum Area: String, CaseIterable, Codable, Sendable {
    /// Starting, running and yielding tasks.
    case executor
    /// Sleeps, timeouts and ticks.
    case timers
    /// Reading and writing streams.
    case streams
    /// Listening, accepting and connecting.
    case listeners
    /// The addresses of streams and hosts.
    case addresses
    /// Datagram sockets.
    case datagrams
    /// The effect of cancellation on waits.
    case cancellation
    /// The effect of closing a stream or a listener.
    case closing
    /// Shutting a runtime down.
    case shutdown
    /// The number of threads, and foreign threads.
    case threads
    /// Resources that must be released.
    case leaks
    /// Blocking work.
    case blockingWork = "blocking work"
    /// Thousands of tasks, sleeps and connections.
    case load = "under load"
    /// Peers that vanish or reset connections.
    case faults = "with faults"
  }

  /// Requirements of a case that not every backend can satisfy.
  public struct Needs: OptionSet, Hashable, Sendable {
    /// The requirements as bits.
    public let rawValue: UInt8

    /// Creates a set from its bits.
    public init(rawValue: UInt8) { self.rawValue = rawValue }

    /// Threads that run in parallel, including foreign ones: blocking work that waits for other work, and continuations
    /// that a foreign thread resumes.
    public static let threads = Needs(rawValue: 1)
    /// System sockets: names in the file system, peers outside the runtime, two runtimes that can reach each other.
    public static let realDescriptors = Needs(rawValue: 2)
    /// Time that passes while tasks are busy.
    public static let realTime = Needs(rawValue: 4)
    /// A process without other activity: the case counts all threads or descriptors, or needs thousands of them.
    ///
    /// Beside other tests such a case is nearly always right. To be sure, run it as an exit test.
    public static let quietProcess = Needs(rawValue: 8)
  }
}

extension RuntimeConformance {
  /// A promise and the check for it.
  public struct Case: Sendable {
    /// The promise, as a sentence. It is unique.
    public let promise: String
    /// The area of the promise.
    public let area: Area
    /// The requirements of the case.
    public let needs: Needs

    private let body: @Sendable (Trial) async throws -> Void
    private let location: String

    /// Creates a case that uses one runtime.
    init(
      _ promise: String, _ area: Area, needs: Needs = [], file: StaticString = #fileID, line: UInt = #line,
      _ body: @escaping @Sendable (_ runtime: any AsyncRuntime) async throws -> Void
    ) {
      self.init(promise, area, needs, "\(file):\(line)") { trial in try await body(trial.makeRuntime()) }
    }

    /// Creates a case that makes as many runtimes as it needs.
    static func makingRuntimes(
      _ promise: String, _ area: Area, needs: Needs = [], file: StaticString = #fileID, line: UInt = #line,
      _ body: @escaping @Sendable (_ trial: Trial) async throws -> Void
    ) -> Case {
      Case(promise, area, needs, "\(file):\(line)", body: body)
    }

    private init(
      _ promise: String, _ area: Area, _ needs: Needs, _ location: String,
      body: @escaping @Sendable (Trial) async throws -> Void
    ) {
      self.promise = promise
      self.area = area
      self.needs = needs
      self.location = location
      self.body = body
    }

    /// Checks whether the runtimes that `makeRuntime` creates keep the promise, and shuts them down.
    ///
    /// The case runs in the calling task, or in a task that the calling task waits for, and in tasks that it spawns on
    /// the runtimes. Cancelling the calling task cancels the case.
    ///
    /// - Parameters:
    ///   - limit: how long the case may take before a watchdog thread gives up, so that a backend that misses a wake-up
    ///     fails rather than hangs. It is a bound for the slowest machines: the cases take seconds. With `nil` there is
    ///     no watchdog, and the case uses only the runtimes and Swift's concurrency. Use that in a simulation, which
    ///     has its own way to detect that nothing runs any more.
    ///   - makeRuntime: creates a new runtime for this case alone. It is called once or more.
    /// - Throws: ``BrokenPromise`` if the promise is not kept.
    public func check(
      within limit: Duration? = .seconds(120),
      _ makeRuntime: @escaping @Sendable () async throws -> any AsyncRuntime
    ) async throws(BrokenPromise) {
      let trial = Trial(makeRuntime: makeRuntime, limit: limit, location: location)
      do throws(Finding) {
        try await trial.run(body)
      } catch {
        throw BrokenPromise(promise: promise, area: area, finding: error)
      }
    }
  }
}

extension RuntimeConformance.Case: Codable, Identifiable, CustomStringConvertible {
  /// Decodes a case from its promise, so that a test can tell another process which case to run.
  public init(from decoder: any Decoder) throws {
    let container = try decoder.singleValueContainer()
    let promise = try container.decode(String.self)
    guard let known = RuntimeConformance.cases.first(where: { $0.promise == promise }) else {
      throw DecodingError.dataCorruptedError(in: container, debugDescription: "no case promises “\(promise)”")
    }
    self = known
  }

  /// Encodes the promise.
  public func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    try container.encode(promise)
  }

  /// The promise, which is unique.
  public var id: String { promise }

  /// The area and the promise.
  public var description: String { "\(area.rawValue): \(promise)" }
}
