import Runtime
import Testing

@testable import RuntimeHTTP

@Suite struct HTTP2MemoryTests {
  @Test func `connections use the same memory, one after another`() {
    var memory = HTTP2Memory()
    let first = CoreScenario.begun(react: answering("first"))
    let second = CoreScenario.begun(react: answering("second"))
    for stream in [1, 3] as [StreamID] {
      for (scenario, text) in [(first, "first"), (second, "second")] {
        scenario.core.takeMemory(from: &memory)
        let told = scenario.send(ClientBytes.request(stream))
        #expect(told.last == .data(stream, text, ends: true))
        #expect(scenario.hasStreamMemory)
        scenario.core.giveMemory(to: &memory)
        let outputCapacity = scenario.core.output.capacity
        #expect(!scenario.hasStreamMemory && outputCapacity == 0)
      }
    }
  }

  @Test func `a connection keeps the memory of streams that are open and of output that waits`() {
    var memory = HTTP2Memory()
    let scenario = CoreScenario.begun()
    scenario.send(ClientBytes.request(1))
    scenario.core.sendKeepAlive()
    scenario.core.giveMemory(to: &memory)
    #expect(scenario.slot(of: 1) == 0)
    #expect(scenario.take() == [.ping(HTTP2Core.PingData.keepAlive)])
  }

  @Test func `memory that has been passed on references nothing of the connection`() {
    var memory = HTTP2Memory()
    weak var origin: RequestOrigin?
    do {
      let new = RequestOrigin(nil)
      origin = new
      let scenario = CoreScenario.begun { core, event in
        guard case .request(let slot) = event else { return }
        _ = core.takeRequest(slot, from: new) { _, _ in .empty }
        core.respond(slot, .ok, [:], content: [])
        core.endHandler(slot)
      }
      scenario.send(ClientBytes.request(1))
      scenario.core.giveMemory(to: &memory)
      #expect(!scenario.hasStreamMemory)
    }
    #expect(origin == nil)
  }

  @Test func `a request that has been kept is not changed by the next connection`() throws {
    var memory = HTTP2Memory()
    let origin = RequestOrigin(.unix(path: "client"))
    var requests: [Request] = []
    for path in ["/first", "/second"] {
      let scenario = CoreScenario.begun { core, event in
        guard case .request(let slot) = event else { return }
        requests.append(core.takeRequest(slot, from: origin) { _, _ in .empty }.request)
        core.respond(slot, .ok, [:], content: [])
        core.endHandler(slot)
      }
      scenario.core.takeMemory(from: &memory)
      scenario.send(ClientBytes.request(1, [(":method", "GET"), (":scheme", "http"), (":path", path)]))
      scenario.core.giveMemory(to: &memory)
      #expect(!scenario.hasStreamMemory)
    }
    #expect(requests.map(\.path) == ["/first", "/second"])
    #expect(requests.allSatisfy { $0.remoteAddress == origin.address })
  }

  @Test func `the memory of many streams or of a long head is not passed on`() {
    var memory = HTTP2Memory()
    let long = CoreScenario.begun(react: answering(""))
    long.send(ClientBytes.request(1, ClientBytes.get + [("x-long", String(repeating: "a", count: 5000))]))
    long.core.giveMemory(to: &memory)
    #expect(long.hasStreamMemory)

    let many = CoreScenario.begun()
    for stream in 0..<17 { many.send(ClientBytes.request(StreamID(2 * stream + 1))) }
    for slot in many.core.streams.slots { answering("")(&many.core, .request(slot)) }
    _ = many.write()
    #expect(!many.hasStreams)
    many.core.giveMemory(to: &memory)
    #expect(many.hasStreamMemory)
  }
}
