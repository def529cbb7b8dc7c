import Runtime
import RuntimeSimulation
import Testing

/// A store of numbers on a host that crashes. It writes each change to a log before it confirms it.
struct WriteAheadLogTests {
  /// A step that the store leaves out.
  enum Mistake: CaseIterable {
    case none
    /// Syncing the log before the answer.
    case noSync
    /// Syncing the log's name.
    case noNameSync
    /// Cutting off an incomplete record after a crash, when the log is read again.
    case noCut
  }

  /// The store: its values and their log.
  private actor Store {
    private let disk: SimulatedDisk
    private let mistake: Mistake
    private var values: [UInt8: UInt8] = [:]
    /// The length of the log's complete records.
    private var length = 0

    private static let log = "log"

    /// Reads the log again, up to the first incomplete record.
    init(on disk: SimulatedDisk, _ mistake: Mistake) async throws {
      self.disk = disk
      self.mistake = mistake
      guard try await disk.list().contains(Self.log) else {
        try await disk.write([], to: Self.log, at: 0)
        if mistake != .noNameSync { try await disk.syncNames() }
        return
      }
      let bytes = try await disk.read(Self.log)
      while length + 3 <= bytes.count, bytes[length] ^ bytes[length + 1] ^ 0xff == bytes[length + 2] {
        values[bytes[length]] = bytes[length + 1]
        length += 3
      }
      if mistake == .noCut {
        length = bytes.count
      } else {
        try await disk.truncate(Self.log, to: length)
        // Unsynced data that survived one crash need not survive the next.
        try await disk.sync(Self.log)
        try await disk.syncNames()
      }
    }

    func set(_ key: UInt8, to value: UInt8) async throws {
      let place = length
      length += 3
      try await disk.write([key, value, key ^ value ^ 0xff], to: Self.log, at: place)
      if mistake != .noSync { try await disk.sync(Self.log) }
      values[key] = value
    }

    func get(_ key: UInt8) -> UInt8 { values[key] ?? 0 }
  }

  /// Serves a store. A request is a key and a new value, or a key and 0 to read; the answer is the value.
  private static func serve(_ host: SimulatedRuntime, _ mistake: Mistake) async throws {
    let store = try await Store(on: host.disk, mistake)
    let listener = try await host.listen(on: .ipv4(.any, port: 80))
    while true {
      let stream = try await listener.accept()
      host.spawn {
        defer { stream.close() }
        while let request = try await stream.readExactly(2) {
          if request[1] != 0 { try await store.set(request[0], to: request[1]) }
          try await stream.write([await store.get(request[0])])
        }
      }
    }
  }

  /// Sends a request until there is an answer.
  private static func ask(
    _ client: SimulatedRuntime, _ address: SocketAddress, _ key: UInt8, _ value: UInt8
  ) async throws -> UInt8 {
    while true {
      let answer = try? await withTimeout(.seconds(1), on: client.clock) {
        let stream = try await client.connect(to: address)
        defer { stream.close() }
        try await stream.write([key, value])
        return try await stream.readExactly(1)
      }
      if let answer { return answer[0] }
      try await client.clock.sleep(for: .milliseconds(100))
    }
  }

  private struct Lost: Error, CustomStringConvertible {
    let key: UInt8
    let value: UInt8
    var description: String { "the store said that \(key) was set, and then that it was \(value)" }
  }

  private static func run(_ seeds: ClosedRange<UInt64>, _ mistake: Mistake) async throws {
    var faults = FaultPlan.calm
    (faults.crashes, faults.crashPeriod, faults.longestOutage) = (0.5, .milliseconds(200), .milliseconds(500))
    (faults.mostCrashes, faults.tornWrites) = (6, 0.6)
    try await simulate(seeds: seeds, faults: faults) { runtime in
      let server = runtime.host { try await serve($0, mistake) }
      let client = runtime.host()
      let address = SocketAddress.ipv4(server.address, port: 80)
      for key: UInt8 in 1...20 { _ = try await ask(client, address, key, 100 + key) }
      for key: UInt8 in 1...20 {
        let value = try await ask(client, address, key, 0)
        if value != 100 + key { throw Lost(key: key, value: value) }
      }
    }
  }

  @Test func `A store that syncs its log before it answers loses nothing in any crash`() async throws {
    try await Self.run(Seeds.few, .none)
  }

  @Test(arguments: Mistake.allCases.filter { $0 != .none })
  func `A store that omits a step loses acknowledged data within a few seeds`(mistake: Mistake) async throws {
    do {
      try await Self.run(1...50, mistake)
      Issue.record("nothing was lost")
    } catch let failure as SimulationFailure {
      guard case .thrown(let error) = failure.cause, error is Lost else { throw failure }
      let kinds = Set(failure.faults.map(\.kind))
      #expect(kinds.isSubset(of: [.crash, .lostWrite, .tornWrite, .lostName]))
      #expect(failure.faults.count <= 6, "\(failure)")
    }
  }
}

extension SimulatedStream {
  /// Reads the next `count` bytes; `nil` if the stream ends before.
  fileprivate func readExactly(_ count: Int) async throws -> [UInt8]? {
    var bytes: [UInt8] = []
    while bytes.count < count {
      let more = try await read(upTo: count - bytes.count)
      if more.isEmpty { return nil }
      bytes += more
    }
    return bytes
  }
}
