/// The faults of a simulation's networks, disks and hosts, and how often each happens.
///
/// A chance is a probability between 0 and 1, drawn from the seed at each opportunity. A draw depends on the seed and
/// on its place (the connection, its end, and the number of bytes that have passed there), but on no other draw. So a
/// run without one of its faults keeps all the others, as long as the program behaves the same without it.
public struct FaultPlan: Hashable, Sendable {
  /// The time that a piece of data takes to another host, and that connecting takes. Datagrams keep their order.
  public var latency: ClosedRange<Duration> = .zero ... .zero

  /// The chance that a piece of data takes longer, by up to ``longestDelay``. Data that a stream sends after it waits
  /// for it; datagrams sent after it overtake it.
  public var delays = 0.0
  /// The longest delay, and the longest time for which a connection is full.
  public var longestDelay: Duration = .milliseconds(200)
  /// The chance that a read returns only part of the available data, or that a `tryRead` returns nothing.
  public var shortReads = 0.0
  /// The chance that a write is split into two pieces, or that a `tryWrite` takes only part of its bytes.
  public var shortWrites = 0.0
  /// The chance that a write finds the connection full, and waits for up to ``longestDelay``.
  public var fullBuffers = 0.0
  /// The chance that a connection is reset, after a random number of bytes up to ``resetsWithin``.
  public var resets = 0.0
  /// The most bytes that pass before a reset, both directions together.
  public var resetsWithin = 16 * 1024
  /// The chance that a connection is refused.
  public var refusals = 0.0
  /// The chance that `accept` finds no free file descriptor (`EMFILE`) and waits for one.
  public var acceptFailures = 0.0
  /// The chance that a datagram to another host is lost.
  public var losses = 0.0
  /// The chance that a datagram to another host arrives twice, the second time up to ``longestDelay`` later.
  public var duplicates = 0.0
  /// The chance, for each pair of hosts and each ``partitionPeriod``, that nothing passes between them until the period
  /// ends. Datagrams are lost meanwhile.
  public var partitions = 0.0
  /// The length of a partition.
  public var partitionPeriod: Duration = .seconds(1)

  /// The chance, for each host that runs a program and each ``crashPeriod``, that the host crashes at some time in that
  /// period, as by ``SimulatedRuntime/crash(connections:)``. It is 0 in ``rough`` too, because not every program can be
  /// started again.
  public var crashes = 0.0
  /// The period to which the chance in ``crashes`` refers.
  public var crashPeriod: Duration = .seconds(10)
  /// The longest time that a host is down after a random crash before it starts again.
  public var longestOutage: Duration = .seconds(5)
  /// The most random crashes of a host in a run. Without this limit, a host that always crashes again could keep a run
  /// from ending.
  public var mostCrashes = 3

  /// The time that a disk operation takes.
  public var diskLatency: ClosedRange<Duration> = .zero ... .zero
  /// The chance that a read, write or sync of a file fails (`EIO`).
  public var diskErrors = 0.0
  /// The chance that the disk has room for only a random part of a write (`ENOSPC`).
  public var fullDisks = 0.0
  /// The chance that a crash loses a write that was not synced.
  public var lostWrites = 0.4
  /// The chance that a crash keeps only the first bytes of a write that was neither synced nor lost.
  public var tornWrites = 0.3
  /// The chance that a crash loses a change of names that was not synced, and with it all later ones.
  public var lostNames = 0.4

  /// Faults that do not happen even if they are drawn.
  package var omitted: Set<Fault> = []

  /// Creates a plan without faults or latency.
  public init() {}

  /// No faults and no latency.
  public static let none = FaultPlan()

  /// No faults, with realistic latency: 0.1 to 20 ms between hosts, 0.02 to 5 ms for disk operations.
  public static let calm: FaultPlan = {
    var plan = FaultPlan()
    plan.latency = .microseconds(100) ... .milliseconds(20)
    plan.diskLatency = .microseconds(20) ... .milliseconds(5)
    return plan
  }()

  /// Every fault except crashes, with the latency of ``calm``. Every run has some of them.
  public static let rough: FaultPlan = {
    var plan = FaultPlan.calm
    plan.delays = 0.05
    plan.shortReads = 0.2
    plan.shortWrites = 0.2
    plan.fullBuffers = 0.05
    plan.resets = 0.05
    plan.refusals = 0.02
    plan.acceptFailures = 0.02
    plan.losses = 0.05
    plan.duplicates = 0.02
    plan.partitions = 0.02
    plan.diskErrors = 0.01
    plan.fullDisks = 0.01
    return plan
  }()
}

/// One fault of a run: what happened, and where.
public struct Fault: Hashable, Sendable, CustomStringConvertible {
  /// The kind of a fault.
  public enum Kind: String, Hashable, Sendable {
    /// A piece of data, or a datagram, arrives late.
    case delay
    /// A read returns only part of the available data, or a `tryRead` returns nothing.
    case shortRead
    /// A write is split, or a `tryWrite` takes only part of its bytes.
    case shortWrite
    /// A write finds the connection full and waits.
    case fullBuffer
    /// A connection is reset.
    case reset
    /// A connection is refused.
    case refusal
    /// `accept` finds no free file descriptor (`EMFILE`) and waits for one.
    case acceptFailure
    /// Nothing passes between two hosts for a period.
    case partition
    /// A datagram is lost.
    case loss
    /// A datagram arrives twice.
    case duplicate
    /// A host crashes.
    case crash
    /// A disk operation fails.
    case diskError
    /// A disk has no room for a whole write.
    case fullDisk
    /// A crash loses a write that was not synced.
    case lostWrite
    /// A crash keeps only the beginning of a write that was not synced.
    case tornWrite
    /// A crash loses a change of names that was not synced.
    case lostName
  }

  /// The kind of the fault.
  public let kind: Kind
  package let place: Place
  /// The number of the connection in the trace of its run. It may differ in another run, so it does not count when
  /// faults are compared.
  package let connection: Int
  /// A description of the file, for a fault of a file.
  var file: String?

  /// The place of a fault, which does not depend on what else happens in a run.
  package struct Place: Hashable, Sendable {
    /// The owner of the place. For a connection it is ``SimulatedNetwork/Attempt/identity``; for a partition, the two
    /// hosts in one number; for a datagram, the socket that sent it, counted from -1 down; for a crash or a disk's
    /// names, the host; for a file, ``DiskFile/identity``.
    package var owner: Int
    /// Whether the end that accepted the connection has the fault, and not the end that connected.
    var isServerSide = false
    /// The number of bytes that had passed this end of the connection, or had been written to the file, or the number
    /// of changes of names so far.
    package var position = 0
    /// The number of the opportunity at this position, counted from 0; or the number of the period or datagram.
    var occasion = 0
  }

  public static func == (a: Fault, b: Fault) -> Bool { a.kind == b.kind && a.place == b.place }

  public func hash(into hasher: inout Hasher) {
    hasher.combine(kind)
    hasher.combine(place)
  }

  /// The fault in words, as in "shortRead after 512 bytes at the client's end of connection 3".
  public var description: String {
    let (owner, position, occasion) = (place.owner, place.position, place.occasion)
    return switch kind {
    case _ where owner < 0: "\(kind) of datagram \(occasion) from datagram socket \(-owner)"
    case .crash: "crash of host \(owner), period \(occasion)"
    case .lostName: "\(kind) of change \(position) of the names on the disk of host \(owner)"
    case .diskError, .fullDisk, .lostWrite, .tornWrite:
      "\(kind) after \(position) bytes of \(file ?? "a file")\(repetition)"
    case .partition: "partition of hosts \(owner >> 16) and \(owner & 0xffff), period \(occasion)"
    case .refusal, .acceptFailure, .reset: "\(kind) of connection \(connection)"
    default: "\(kind) after \(position) bytes at \(end) of connection \(connection)\(repetition)"
    }
  }

  private var end: String { "the \(place.isServerSide ? "server" : "client")'s end" }
  private var repetition: String { place.occasion == 0 ? "" : ", attempt \(place.occasion + 1)" }
}

/// Draws the faults of a run.
struct FaultDice {
  private var seed: UInt64
  let plan: FaultPlan
  /// The only faults that may happen; `nil` for all.
  let only: Set<Fault>?
  /// The faults that have happened, each once, in their order.
  private(set) var fired: [Fault] = []
  private var hasFired: Set<Fault> = []
  /// The seeds of partitions, each from a period on. All that is sent in a period meets the same partition, so a period
  /// for which a partition has been drawn keeps its seed.
  private var partitionSeeds: [(period: Int, seed: UInt64)]
  /// The first of the periods for which no partition has been drawn yet.
  private var nextPeriod = 0

  init(seed: UInt64, plan: FaultPlan, only: Set<Fault>?) {
    self.seed = seed
    self.plan = plan
    self.only = only
    partitionSeeds = [(0, seed)]
  }

  /// Draws from `seed` from now on what has not been drawn yet.
  mutating func reseed(_ seed: UInt64) {
    self.seed = seed
    partitionSeeds.append((nextPeriod, seed))
  }

  /// Draws whether a fault happens at `place`, and records it if so.
  mutating func drawFault(
    _ kind: Fault.Kind, _ chance: Double, at place: Fault.Place, of connection: Int, inFile file: String? = nil
  ) -> Fault? {
    if kind == .partition { nextPeriod = max(nextPeriod, place.occasion + 1) }
    var fault = predictFault(kind, chance, at: place, of: connection)
    fault?.file = file
    if let fault { record(fault) }
    return fault
  }

  /// Returns the fault that will happen at `place`, or `nil`. ``record(_:)`` records it once it has happened.
  func predictFault(_ kind: Fault.Kind, _ chance: Double, at place: Fault.Place, of connection: Int = 0) -> Fault? {
    guard chance > 0 else { return nil }
    let fault = Fault(kind: kind, place: place, connection: connection)
    guard Double(draw(fault, 0) >> 11) * 0x1p-53 < chance else { return nil }
    if let only, !only.contains(fault) { return nil }
    if !plan.omitted.isEmpty, plan.omitted.contains(fault) { return nil }
    return fault
  }

  /// Records that `fault` has happened.
  mutating func record(_ fault: Fault) {
    if hasFired.insert(fault).inserted { fired.append(fault) }
  }

  /// Returns a random choice of two for a crash of a host.
  func coin(_ host: Int, _ crash: Int) -> Bool { RandomNumbers.hash(seed, 5, UInt64(host), UInt64(crash)) & 1 == 0 }

  /// Returns a number from 0 to `bound` that belongs to `fault` alone. `which` selects one of several such numbers.
  func amount(_ fault: Fault, upTo bound: Int, _ which: UInt64 = 1) -> Int {
    Int(truncatingIfNeeded: draw(fault, which).multipliedFullWidth(by: UInt64(max(0, bound)) + 1).high)
  }

  /// Returns a latency within `range` for what is sent at `place`.
  func latency(within range: ClosedRange<Int64>, at place: Fault.Place) -> Int64 {
    let draw = RandomNumbers.hash(seed, 4, place.end, place.step)
    return range.lowerBound + Int64(draw.multipliedFullWidth(by: UInt64(range.upperBound - range.lowerBound) + 1).high)
  }

  private func draw(_ fault: Fault, _ which: UInt64) -> UInt64 {
    let kind = fault.kind.rawValue.utf8.reduce(0) { $0 << 5 ^ UInt64($1) }
    return RandomNumbers.hash(seed(of: fault), 3, which, kind, fault.place.end, fault.place.step)
  }

  private func seed(of fault: Fault) -> UInt64 {
    guard fault.kind == .partition else { return seed }
    return partitionSeeds.last { $0.period <= fault.place.occasion }?.seed ?? seed
  }
}

extension Fault.Place {
  /// The end of the connection, as an input for a draw.
  fileprivate var end: UInt64 { UInt64(truncatingIfNeeded: owner) << 1 | (isServerSide ? 1 : 0) }

  /// The position at that end. Places do not collide while there are fewer than 2^20 opportunities at one byte.
  fileprivate var step: UInt64 { UInt64(truncatingIfNeeded: position << 20 &+ occasion) }
}
