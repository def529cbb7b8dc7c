import Glibc
import Runtime
import RuntimeSimulation
import RuntimeTestSupport
import Testing

/// Disks, and what crashes and faults leave of their files.
struct DiskTests {
  @Test func `Files are written, read, cut, renamed and removed, and each operation takes its time`() async throws {
    let report = try await simulate(seed: 1, faults: .calm) { runtime in
      let disk = runtime.disk
      try await disk.append([1, 2, 3], to: "a")
      try await disk.append([4], to: "a")
      try await disk.write([9, 9], to: "a", at: 1)
      #expect(try await disk.read("a") == [1, 9, 9, 4])
      #expect(try await disk.read("a", from: 1, upTo: 2) == [9, 9])
      #expect(try await disk.read("a", from: 7) == [])
      try await disk.write([5], to: "b", at: 2)
      #expect(try await disk.read("b") == [0, 0, 5])
      try await disk.truncate("b", to: 1)
      try await disk.truncate("b", to: 2)
      #expect(try await disk.read("b") == [0, 0])
      #expect(try await disk.size(of: "b") == 2)
      #expect(try await disk.list() == ["a", "b"])
      try await disk.rename("b", to: "a")
      #expect(try await disk.read("a") == [0, 0])
      #expect(try await disk.list() == ["a"])
      try await disk.remove("a")
      #expect(try await disk.list() == [])
      await #expect(throws: IOError(.open, .system(ENOENT))) { try await disk.read("a") }
      await #expect(throws: IOError(.open, .system(ENOENT))) { try await disk.sync("a") }
      #expect(try await runtime.host().disk.list() == [])
    }
    #expect(report.duration > .milliseconds(1) && report.duration < .milliseconds(100))
  }

  /// Returns the contents of file `name` after a crash; `nil` if it is lost.
  private static func leftovers(_ disk: SimulatedDisk, _ name: String) async throws -> [UInt8]? {
    try await disk.list().contains(name) ? disk.read(name) : nil
  }

  @Test func `What was synced survives a crash, and what was not is there, is not there, or is there in part`()
    async throws
  {
    let seen = Recorder<[UInt8]>()
    try await simulate(seeds: 1...200) { runtime in
      let host = runtime.host()
      try await host.disk.append([1, 2, 3], to: "log")
      try await host.disk.sync("log")
      try await host.disk.syncNames()
      try await host.disk.append([4, 5], to: "log")
      try await host.disk.append([6, 7], to: "log")
      host.crash()
      let bytes = try #require(try await Self.leftovers(host.disk, "log"))
      #expect(bytes.prefix(3) == [1, 2, 3])
      seen.record(Array(bytes.dropFirst(3)))
      // What has survived one crash survives the next.
      host.restart()
      host.crash()
      #expect(try await host.disk.read("log") == bytes)
    }
    let all: Set<[UInt8]> = [
      [], [4], [4, 5], [0, 0, 6], [0, 0, 6, 7], [4, 0, 6], [4, 0, 6, 7], [4, 5, 6], [4, 5, 6, 7],
    ]
    #expect(Set(seen.elements) == all)
  }

  @Test func `A name that was not synced may be lost with its file, and those after it are lost with it`() async throws
  {
    let seen = Recorder<[String]>()
    try await simulate(seeds: 1...100) { runtime in
      let disk = runtime.host().disk
      let host = runtime.host()
      for name in ["a", "b"] {
        try await host.disk.append([1], to: name)
        try await host.disk.sync(name)
      }
      host.crash()
      seen.record(try await host.disk.list())
      #expect(try await disk.list() == [])
    }
    #expect(Set(seen.elements) == [[], ["a"], ["a", "b"]])
  }

  @Test func `A rename puts a whole file in place of another, or does not`() async throws {
    let seen = Recorder<[UInt8]>()
    try await simulate(seeds: 1...50) { runtime in
      let host = runtime.host()
      try await host.disk.append([1, 1], to: "a")
      try await host.disk.sync("a")
      try await host.disk.syncNames()
      try await host.disk.append([2, 2], to: "new")
      try await host.disk.sync("new")
      try await host.disk.rename("new", to: "a")
      host.crash()
      seen.record(try await host.disk.read("a"))
    }
    #expect(Set(seen.elements) == [[1, 1], [2, 2]])
  }

  @Test func `A sync that fails has not saved what it was to save, and a later one does not`() async throws {
    let seen = Recorder<[Bool]>()
    var faults = FaultPlan.none
    (faults.diskErrors, faults.lostWrites) = (0.3, 1)
    try await simulate(seeds: 1...100, faults: faults) { runtime in
      let host = runtime.host()
      try await host.disk.syncNames()
      guard (try? await host.disk.append([1], to: "log")) != nil else { return }
      try await host.disk.syncNames()
      var hasFailed = false
      while (try? await host.disk.sync("log")) == nil { hasFailed = true }
      host.crash()
      seen.record([hasFailed, try await host.disk.size(of: "log") == 1])
    }
    #expect(Set(seen.elements) == [[false, true], [true, false]])
  }

  @Test func `A disk that is full takes a part of what is written, and says so`() async throws {
    let seen = Recorder<Int>()
    var faults = FaultPlan.none
    faults.fullDisks = 0.5
    try await simulate(seeds: 1...100, faults: faults) { runtime in
      do {
        try await runtime.disk.append([1, 2, 3], to: "log")
        #expect(try await runtime.disk.read("log") == [1, 2, 3])
      } catch let error as IOError {
        #expect(error == IOError(.write, .system(ENOSPC)))
        seen.record(try await runtime.disk.size(of: "log"))
      }
    }
    #expect(Set(seen.elements) == [0, 1, 2])
  }

  @Test func `A host that has crashed writes no more`() async throws {
    try await simulate(seeds: 1...20, faults: .calm) { runtime in
      let host = runtime.host { host in
        while true { try await host.disk.append([1], to: "log") }
      }
      try await runtime.clock.sleep(for: .seconds(1))
      host.crash()
      let bytes = try await Self.leftovers(host.disk, "log")
      try await runtime.clock.sleep(for: .seconds(1))
      #expect(try await Self.leftovers(host.disk, "log") == bytes)
    }
  }

  @Test func `A failure names what was lost of which file, and no more than that, and the trace tells of the rest`()
    async throws
  {
    struct Lost: Error {}
    do {
      try await simulate(seeds: 1...100, faults: .calm) { runtime in
        let host = runtime.host()
        for _ in 0..<5 {
          try await host.disk.append([1, 2, 3, 4], to: "log")
          try await host.disk.append([1, 2, 3, 4], to: "other")
        }
        try await host.disk.syncNames()
        host.crash(connections: .reset)
        let bytes = try await host.disk.read("log")
        try await host.disk.rename("other", to: "rest")
        if bytes.count == 16 { throw Lost() }
      }
      Issue.record("the run did not fail")
    } catch let failure as SimulationFailure {
      #expect(failure.faults.map(\.description) == ["lostWrite after 16 bytes of \"log\" of host 2"])
      let text = failure.trace.description
      for words in [
        "writes 4 bytes to \"log\" at 12 on the disk of host 2", "syncs the names on the disk of host 2",
        "crashes host 2 and resets its connections", "meets a fault: lostWrite after 16 bytes of \"log\" of host 2",
        "reads 16 bytes from \"log\" at 0 on the disk of host 2",
        "renames \"other\" to \"rest\" on the disk of host 2",
      ] {
        #expect(text.contains(words), "\(words)")
      }
    }
  }

  @Test func `The same seed leaves the same on the disk`() async throws {
    var faults = FaultPlan.rough
    faults.crashes = 0.5
    for seed: UInt64 in 1...5 {
      let body: @Sendable (SimulatedRuntime) async throws -> Void = { runtime in
        let host = runtime.host { host in
          while true {
            try? await host.disk.append([1, 2, 3, 4], to: "log")
            try? await host.disk.sync("log")
            try? await host.disk.syncNames()
            try await host.clock.sleep(for: .milliseconds(100))
          }
        }
        try await runtime.clock.sleep(for: .seconds(30))
        host.crash()
        runtime.note("\((try? await Self.leftovers(host.disk, "log")) ?? [])")
      }
      let first = try await simulate(seed: seed, faults: faults, body)
      let second = try await simulate(seed: seed, faults: faults, body)
      #expect(first.trace.firstDifference(from: second.trace) == nil)
      #expect(first.faults == second.faults)
    }
  }
}
