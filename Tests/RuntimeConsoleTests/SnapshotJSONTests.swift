import Runtime
import RuntimeHTTP
import Testing

@testable import RuntimeConsole

@Suite struct SnapshotJSONTests {
  @Test func `A snapshot is one line of valid JSON, whatever names and routes contain`() throws {
    let task = TaskSnapshot(id: 7, name: nastyText, location: "A.swift:1", state: .running(worker: "worker 0"))
    let figures = RequestFigures(route: "/\(nastyText)", method: nil, statusClass: 4, isRefused: true)
    let log = StallLog()
    log.add(stall(1))
    let bytes = makeSnapshot(tasks: [task], requests: [figures], stalls: log.entries).json
    #expect(!bytes.contains(UInt8(ascii: "\n")))
    let json = try JSONValue(bytes)
    #expect(json["time"] == .number("1795991791.141"))
    #expect(json["runtime"]?["activities"]?[0]?["activity"] == .string(nastyText))
    #expect(json["runtime"]?["activities"]?[0]?["jobAge"] == .number("1.2"))
    #expect(json["runtime"]?["queueDepths"]?.count == 3)
    #expect(json["requests"]?[0]?["route"] == .string("/\(nastyText)"))
    #expect(json["requests"]?[0]?["method"] == .null)
    #expect(json["requests"]?[0]?["durations"]?.count == json["durationBounds"]?.count.map { $0 + 1 })
    #expect(json["tasks"]?[0]?["name"] == .string(nastyText))
    #expect(json["tasks"]?[0]?["worker"] == .string("worker 0"))
    #expect(json["stalls"]?[0]?["number"] == .number("1"))
    #expect(json["servers"]?.count == 2 && json["servers"]?[0]?["isOverloaded"] == .bool(true))
  }

  @Test func `Unwatched tasks are null, and an empty list means no tasks`() throws {
    #expect(try JSONValue(makeSnapshot().json)["tasks"] == .null)
    #expect(try JSONValue(makeSnapshot(tasks: []).json)["tasks"] == .array([]))
  }

  @Test func `Running tasks come first, and then the busiest`() throws {
    var tasks = (0..<100).map { TaskSnapshot(id: $0, state: .suspended) }
    tasks[98].state = .running(worker: nil)
    tasks[97].state = .ready
    tasks[50].busyTime = .seconds(1)
    let json = try JSONValue(makeSnapshot(tasks: tasks).json(maximumTasks: 3))
    #expect(json["taskCount"] == .number("100"))
    #expect((0..<4).map { json["tasks"]?[$0]?["id"] } == [.number("98"), .number("97"), .number("50"), nil])
  }

  @Test(arguments: [
    (Duration.zero, "0"), (.nanoseconds(1), "0.000000001"), (.milliseconds(1500), "1.5"), (.seconds(10), "10"),
    (.nanoseconds(-1_500_000_000), "-1.5"), (.milliseconds(-10), "-0.01"), (.seconds(1 << 40), "1099511627776"),
  ])
  func `Seconds are exact`(duration: Duration, text: String) {
    var bytes: [UInt8] = []
    bytes.append(seconds: duration)
    #expect(String(decoding: bytes, as: UTF8.self) == text)
  }

  @Test func `A log keeps the last stalls, and numbers all of them`() {
    let log = StallLog(capacity: 3)
    for number in 1...5 { log.add(stall(number)) }
    #expect(log.entries.map(\.number) == [3, 4, 5])
    #expect(log.entries.map(\.stall.duration) == [.seconds(3), .seconds(4), .seconds(5)])
    #expect(log.entries.allSatisfy { $0.time > .zero })
  }

  private func stall(_ seconds: Int) -> Stall {
    Stall(runtime: "custom", worker: "worker 0", duration: .seconds(seconds), isOver: true, activity: "GET /stall")
  }
}
