/// What goes wrong in a simulation, and how often.
///
/// A chance is a probability between 0 and 1, drawn from the seed each time there is an opportunity. Each draw depends on
/// the seed and on its place, and on no other draw: on the connection, its end, and how many bytes have gone through there.
/// So leaving one fault out of a run leaves the others as they were, as long as the program does the same without it.
public struct FaultPlan: Hashable, Sendable {
  /// How long a piece of data takes to the other host, and a connection to be made. Datagrams keep their order.
  public var latency: ClosedRange<Duration> = .zero ... .zero

  /// The chance that a piece of data takes up to ``longestDelay`` more; what was sent after it waits for it. Datagrams do
  /// not: one that is delayed is overtaken by those after it.
  public var delays = 0.0
  /// The most that a delay adds, and the longest that a connection is full.
  public var longestDelay: Duration = .milliseconds(200)
  /// The chance that a read gives only a part of what there is, or that a `tryRead` gives nothing.
  public var shortReads = 0.0
  /// The chance that a write is cut, its rest sent as another piece, or that a `tryWrite` takes only a part.
  public var shortWrites = 0.0
  /// The chance that a write finds the connection full, and has to wait for up to ``longestDelay``.
  public var fullBuffers = 0.0
  /// The chance that a connection is reset, after a number of bytes, drawn as well, up to ``resetsWithin``.
  public var resets = 0.0
  /// The most bytes that go through before a reset, both ways together.
  public var resetsWithin = 16 * 1024
  /// The chance that a connection is refused.
  public var refusals = 0.0
  /// The chance that `accept` finds the process without a descriptor to spare (`EMFILE`), and waits for one.
  public var acceptFailures = 0.0
  /// The chance that a datagram to another host is lost.
  public var losses = 0.0
  /// The chance that a datagram to another host arrives once more, up to ``longestDelay`` later.
  public var duplicates = 0.0
  /// The chance, for each two hosts and each ``partitionPeriod``, that nothing gets from one to the other until the
  /// period is over. Datagrams are lost meanwhile.
  public var partitions = 0.0
  /// How long a partition lasts.
  public var partitionPeriod: Duration = .seconds(1)

  /// The chance, for each host that runs a program and each ``crashPeriod``, that the host crashes at some time in it, as by
  /// ``SimulatedRuntime/crash(connections:)``. 0 in ``rough`` too: not every program is made to be started again.
  public var crashes = 0.0
  /// What ``crashes`` is the chance of a crash in.
  public var crashPeriod: Duration = .seconds(10)
  /// The longest that a host is down, after a crash by chance, before it is started again.
  public var longestOutage: Duration = .seconds(5)
  /// The most crashes by chance that a host has in a run: a host that always crashes once more would keep from the run that
  /// everything else waits for ever.
  public var mostCrashes = 3

  /// How long an operation on a disk takes.
  public var diskLatency: ClosedRange<Duration> = .zero ... .zero
  /// The chance that a read, a write or a sync of a file fails (`EIO`).
  public var diskErrors = 0.0
  /// The chance that a write finds no room on the disk (`ENOSPC`) for more than a part of it, drawn as well.
  public var fullDisks = 0.0
  /// The chance that a write which was not synced is not there after a crash.
  public var lostWrites = 0.4
  /// The chance that a write which was not synced, and is not lost, is there after a crash only as far as some byte.
  public var tornWrites = 0.3
  /// The chance that a change of the disk's names which was not synced is not there after a crash, nor any after it.
  public var lostNames = 0.4

  /// Faults that do not happen, though it would be their turn.
  package var omitted: Set<Fault> = []

  /// Networks and disks with which all goes well, and in no time.
  public init() {}

  /// Networks and disks with which all goes well, and in no time.
  public static let none = FaultPlan()

  /// Networks in which all goes well, at distances as there are: 0.1 to 20 ms; disks with which it does, in 0.02 to 5 ms.
  public static let calm: FaultPlan = {
    var plan = FaultPlan()
    plan.latency = .microseconds(100) ... .milliseconds(20)
    plan.diskLatency = .microseconds(20) ... .milliseconds(5)
    return plan
  }()

  /// Networks and disks with which everything goes wrong that can, some of it in every run, but that hosts do not crash.
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

/// One thing that went wrong in a run: what, and where.
public struct Fault: Hashable, Sendable, CustomStringConvertible {
  /// What can go wrong.
  public enum Kind: String, Hashable, Sendable {
    /// A piece of data, or a datagram, arrives late.
    case delay
    /// A read returns only a part of the available data, or a `tryRead` nothing.
    case shortRead
    /// A write is split, or a `tryWrite` takes only a part.
    case shortWrite
    /// A write has to wait, since the connection is full.
    case fullBuffer
    /// A connection is reset.
    case reset
    /// A connection is refused.
    case refusal
    /// `accept` finds no free descriptor (`EMFILE`), and waits for one.
    case acceptFailure
    /// Nothing gets from one host to another for a period.
    case partition
    /// A datagram is lost.
    case loss
    /// A datagram arrives twice.
    case duplicate
    /// A host crashes.
    case crash
    /// An operation of a disk fails.
    case diskError
    /// A disk has no space left.
    case fullDisk
    /// A crash loses a write that was not synced.
    case lostWrite
    /// A crash keeps only the beginning of a write that was not synced.
    case tornWrite
    /// A crash loses a change of a name that was not synced.
    case lostName
  }

  /// What went wrong.
  public let kind: Kind
  package let place: Place
  /// Which connection it was, as the trace of its run has it. In another run it may have another number, so that this does
  /// not count where faults are compared.
  package let connection: Int
  /// Which file it was, in words, if it was one.
  var file: String?

  /// Where a fault belongs, whatever else happens in a run.
  package struct Place: Hashable, Sendable {
    /// Whose it is: of a connection, its ``SimulatedNetwork/Attempt/identity``; of a partition, the two hosts in one
    /// number; of a datagram, the socket that sent it, counted from -1 down; of a crash and of the names on a disk, the host; of a file, its
    /// ``DiskFile/identity``.
    package var owner: Int
    /// Whether it befell the end that accepted, and not the one that connected.
    var isServerSide = false
    /// How many bytes of the connection had gone there before, or had been written to the file; how many changes of names
    /// there have been.
    package var position = 0
    /// Which opportunity it was there, counted from 0; the number of a period, or of a datagram.
    var occasion = 0
  }

  public static func == (a: Fault, b: Fault) -> Bool { a.kind == b.kind && a.place == b.place }

  public func hash(into hasher: inout Hasher) {
    hasher.combine(kind)
    hasher.combine(place)
  }

  /// As in "shortRead after 512 bytes at the client's end of connection 3".
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
  let seed: UInt64
  let plan: FaultPlan
  /// The only ones to let happen, where not all are to.
  let only: Set<Fault>?
  /// Those that have happened, each once, in the order of happening.
  private(set) var fired: [Fault] = []
  private var hasFired: Set<Fault> = []

  init(seed: UInt64, plan: FaultPlan, only: Set<Fault>?) {
    self.seed = seed
    self.plan = plan
    self.only = only
  }

  /// Whether a fault happens there.
  mutating func throwDice(
    _ kind: Fault.Kind, _ chance: Double, at place: Fault.Place, of connection: Int, inFile file: String? = nil
  ) -> Fault? {
    var fault = foresee(kind, chance, at: place, of: connection)
    fault?.file = file
    if let fault { note(fault) }
    return fault
  }

  /// The fault that will happen there, if one will; ``note(_:)`` says that it has.
  func foresee(_ kind: Fault.Kind, _ chance: Double, at place: Fault.Place, of connection: Int = 0) -> Fault? {
    guard chance > 0 else { return nil }
    let fault = Fault(kind: kind, place: place, connection: connection)
    guard Double(draw(fault, 0) >> 11) * 0x1p-53 < chance else { return nil }
    if let only, !only.contains(fault) { return nil }
    if !plan.omitted.isEmpty, plan.omitted.contains(fault) { return nil }
    return fault
  }

  /// Notes that `fault` has happened.
  mutating func note(_ fault: Fault) {
    if hasFired.insert(fault).inserted { fired.append(fault) }
  }

  /// One of two things at each crash of a host.
  func coin(_ host: Int, _ crash: Int) -> Bool { RandomNumbers.hash(seed, 5, UInt64(host), UInt64(crash)) & 1 == 0 }

  /// A number below or at `bound` that belongs to `fault` alone, the first one or another.
  func amount(_ fault: Fault, upTo bound: Int, _ which: UInt64 = 1) -> Int {
    Int(truncatingIfNeeded: draw(fault, which).multipliedFullWidth(by: UInt64(max(0, bound)) + 1).high)
  }

  /// A time within `range` for what is sent at `place`.
  func latency(within range: ClosedRange<Int64>, at place: Fault.Place) -> Int64 {
    let draw = RandomNumbers.hash(seed, 4, place.end, place.step)
    return range.lowerBound + Int64(draw.multipliedFullWidth(by: UInt64(range.upperBound - range.lowerBound) + 1).high)
  }

  private func draw(_ fault: Fault, _ which: UInt64) -> UInt64 {
    let kind = fault.kind.rawValue.utf8.reduce(0) { $0 << 5 ^ UInt64($1) }
    return RandomNumbers.hash(seed, 3, which, kind, fault.place.end, fault.place.step)
  }
}

extension Fault.Place {
  /// The end that it befalls, as a word to draw from.
  fileprivate var end: UInt64 { UInt64(truncatingIfNeeded: owner) << 1 | (isServerSide ? 1 : 0) }

  /// Where it is there. Far more bytes than opportunities at one of them make no two alike.
  fileprivate var step: UInt64 { UInt64(truncatingIfNeeded: position << 20 &+ occasion) }
}
