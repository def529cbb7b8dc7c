public import Runtime

/// What every ``AsyncRuntime`` owes those who use it, as cases that any backend can be run through.
///
/// In the test target of somebody who writes a backend:
///
/// ```swift
/// @Test(.serialized, arguments: RuntimeConformance.cases)
/// func `My runtime keeps its promises`(promise: RuntimeConformance.Case) async throws {
///   try await promise.check { try MyRuntime() }
/// }
/// ```
///
/// A case fails with a ``BrokenPromise``, which says what was expected and what was seen. One after another they take a few
/// seconds; all at once they take each other's processor time, and no less in all.
///
/// The promises are those in the documentation of ``Executor``, ``ByteStream``, ``StreamListener``, ``DatagramSocket`` and
/// ``AsyncRuntime``, and no others: how fast a backend is, and how it goes about it, is its own affair.
public enum RuntimeConformance {
  /// All of the cases, area by area.
  public static let cases: [Case] = [
    executor, yielding, fairness, stalls, timers, streams, listeners, socketNames, inheritedSockets, addresses,
    datagrams, datagramAddresses, cancellation, closing, blockingWork, shutdown, threads, leaks, load, faults,
  ].flatMap { $0 }

  /// The cases for a backend that cannot offer all of what `needs` names, as a simulated one has no ``Needs/threads``.
  public static func cases(without needs: Needs) -> [Case] {
    cases.filter { $0.needs.isDisjoint(with: needs) }
  }

  /// What a promise is about.
  public enum Area: String, CaseIterable, Codable, Sendable {
    case executor, timers, streams, listeners, addresses, datagrams, cancellation, closing, shutdown, threads, leaks
    case blockingWork = "blocking work"
    case load = "under load"
    case faults = "with faults"
  }

  /// What a case needs of the world that not every backend has to offer.
  public struct Needs: OptionSet, Hashable, Sendable {
    public let rawValue: UInt8

    public init(rawValue: UInt8) { self.rawValue = rawValue }

    /// Threads that really run at once, some of them nobody's: work that blocks until other work is done, and
    /// continuations that a foreign thread resumes.
    public static let threads = Needs(rawValue: 1)
    /// The system's own sockets: names in the file system, peers that are no streams of the runtime, two runtimes that
    /// reach each other.
    public static let realDescriptors = Needs(rawValue: 2)
    /// Time that passes by itself while tasks are busy.
    public static let realTime = Needs(rawValue: 4)
    /// A process where nothing else goes on: it counts the threads or descriptors that there are, or needs thousands.
    ///
    /// Beside other tests such a case is right nearly always. To be sure, run it as an exit test.
    public static let quietProcess = Needs(rawValue: 8)
  }
}

extension RuntimeConformance {
  /// One promise, and how to find out whether a backend keeps it.
  public struct Case: Sendable {
    /// What is promised, in a sentence. No two cases promise the same.
    public let promise: String
    /// What it is about.
    public let area: Area
    /// What it needs that not every backend has to offer.
    public let needs: Needs

    private let body: @Sendable (Trial) async throws -> Void
    private let location: String

    /// A case of one runtime, which is made for it.
    init(
      _ promise: String, _ area: Area, needs: Needs = [], file: StaticString = #fileID, line: UInt = #line,
      _ body: @escaping @Sendable (_ runtime: any AsyncRuntime) async throws -> Void
    ) {
      self.init(promise, area, needs, "\(file):\(line)") { trial in try await body(trial.makeRuntime()) }
    }

    /// A case that makes its runtimes, as many as it wants.
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

    /// Finds out whether the runtimes that `makeRuntime` makes keep the promise, and shuts them down.
    ///
    /// The case runs in the calling task, or in one that the calling task waits for, and in tasks that it spawns on
    /// the runtimes. Cancelling the calling task cancels the case.
    ///
    /// - Parameters:
    ///   - limit: how long it may take before a thread that watches over it gives up, so that a backend that forgets to
    ///     wake somebody fails and does not hang. It is a bound for the slowest of machines: the cases take seconds.
    ///     With `nil` nobody watches, and nothing is done outside the runtimes and Swift's own concurrency: that is how
    ///     to check in a simulation, which has its own way of finding out that nothing goes on any more.
    ///   - makeRuntime: makes a new runtime that nobody else uses. It is called once, or more often.
    /// - Throws: what was seen instead of what was promised.
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
  /// The case of that promise: so can a test that runs in another process be told which.
  public init(from decoder: any Decoder) throws {
    let container = try decoder.singleValueContainer()
    let promise = try container.decode(String.self)
    guard let known = RuntimeConformance.cases.first(where: { $0.promise == promise }) else {
      throw DecodingError.dataCorruptedError(in: container, debugDescription: "no case promises “\(promise)”")
    }
    self = known
  }

  /// Writes down the promise.
  public func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    try container.encode(promise)
  }

  public var id: String { promise }

  /// The area and the promise.
  public var description: String { "\(area.rawValue): \(promise)" }
}
