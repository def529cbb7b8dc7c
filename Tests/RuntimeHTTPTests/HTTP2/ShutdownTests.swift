import Testing

@testable import RuntimeHTTP

/// Graceful shutdown, RFC 9113 section 6.8.
@Suite struct HTTP2ShutdownTests {
  private static let heard = ClientBytes.frame(
    .ping, .acknowledgement, ClientBytes.bytes(HTTP2Core.PingData.shutdown))

  @Test func `6_8 GOAWAY is sent twice, and requests that arrive in between are answered`() {
    let scenario = CoreScenario.begun()
    scenario.send(ClientBytes.request(1))
    scenario.core.beginShutdown()
    #expect(scenario.take() == [.goAway(StreamID.largest, .none), .ping(HTTP2Core.PingData.shutdown)])
    #expect(scenario.send(ClientBytes.request(3)) == [.request(3)])
    #expect(scenario.send(Self.heard) == [.goAway(3, .none)])
    #expect(!scenario.isFinished)
    // The request is ignored, which the second GOAWAY has told the client.
    #expect(scenario.send(ClientBytes.request(5)) == [])
    for stream: StreamID in [1, 3] {
      let slot = scenario.slot(of: stream)
      scenario.core.respond(slot, .ok, [:], content: Array("bye".utf8))
      scenario.core.endHandler(slot)
    }
    #expect(scenario.write().count == 4)
    #expect(scenario.isFinished)
  }

  @Test func `6_8 a client that does not answer the PING delays the second GOAWAY only for the time of a round trip`() {
    let scenario = CoreScenario.begun()
    scenario.send(ClientBytes.request(1))
    scenario.core.beginShutdown()
    _ = scenario.take()
    _ = scenario.core.advance(to: 2)
    #expect(scenario.send(ClientBytes.request(3)) == [.request(3)])
    _ = scenario.core.advance(to: 3)
    #expect(scenario.take() == [.goAway(3, .none)])
    // Requests in flight still have their time, and a late answer has no effect.
    #expect(scenario.send(Self.heard) == [])
    #expect(!scenario.isFinished && scenario.core.streams.count == 2)
  }

  @Test func `6_8 content and trailers of open streams are still received`() {
    let scenario = CoreScenario.begun()
    scenario.send(ClientBytes.request(1, ClientBytes.post, flags: .endHeaders))
    scenario.core.beginShutdown()
    scenario.send(Self.heard)
    #expect(
      scenario.send(ClientBytes.data(1, "x"), ClientBytes.request(1, [("a", "b")])) == [.content(1), .content(1)])
  }

  @Test func `6_8 header blocks of streams that are too late are decoded too`() {
    let scenario = CoreScenario.begun()
    scenario.send(ClientBytes.request(1, ClientBytes.post, flags: .endHeaders))
    scenario.core.beginShutdown()
    scenario.send(Self.heard)
    let block = ClientBytes.block(ClientBytes.get) + [0x40, 1, 0x78, 1, 0x79]
    #expect(scenario.send(ClientBytes.frame(.headers, [.endHeaders, .endStream], stream: 3, block)) == [])
    // This refers to the line that the late block has added to the table.
    #expect(
      scenario.send(ClientBytes.frame(.headers, [.endHeaders, .endStream], stream: 1, [0x80 | 62])) == [.content(1)])
    #expect(scenario.core.streams[scenario.slot(of: 1)].trailers["x"] == "y")
  }

  @Test func `6_8 frames of a stream that is too late are ignored, but use the connection's window`() {
    let scenario = CoreScenario.begun()
    scenario.send(ClientBytes.request(1))
    scenario.core.beginShutdown()
    scenario.send(Self.heard)
    let before = scenario.core.receiveWindow.available
    #expect(
      scenario.send(
        ClientBytes.request(3, ClientBytes.post, flags: .endHeaders), ClientBytes.data(3, "on its way"),
        ClientBytes.windowUpdate(3, 5), ClientBytes.request(3, [("a", "b")]), ClientBytes.reset(3)) == [])
    #expect(scenario.core.receiveWindow.available == before - 10)
    // The last stream is still the same (section 6.8: the number must not increase).
    #expect(scenario.send(ClientBytes.data(0)) == [.failed(.protocolError), .goAway(1, .protocolError)])
  }

  @Test func `6_8 a request whose head has arrived in part is completed`() {
    let scenario = CoreScenario.begun()
    scenario.send(ClientBytes.request(1, flags: .endStream))
    scenario.core.beginShutdown()
    #expect(scenario.send() == [.goAway(StreamID.largest, .none), .ping(HTTP2Core.PingData.shutdown)])
    scenario.core.completeShutdown()
    #expect(scenario.take() == [.goAway(1, .none)] && !scenario.isFinished)
    #expect(scenario.send(ClientBytes.frame(.continuation, .endHeaders, stream: 1)) == [.request(1)])
  }

  @Test func `8_2_2 a GOAWAY follows the head of a response with Connection close`() {
    let scenario = CoreScenario.begun()
    scenario.send(ClientBytes.request(1), ClientBytes.request(3))
    let slot = scenario.slot(of: 1)
    scenario.core.respond(slot, .ok, ["Connection": "x, Close"], content: Array("bye".utf8))
    scenario.core.endHandler(slot)
    #expect(
      scenario.write() == [
        .headers(1, [":status: 200", "content-length: 3"], ends: false), .goAway(StreamID.largest, .none),
        .ping(HTTP2Core.PingData.shutdown), .data(1, "bye", ends: true),
      ])
    // A request that the client sent before it received the GOAWAY is answered.
    #expect(scenario.send(ClientBytes.request(5), Self.heard) == [.request(5), .goAway(5, .none)])
    for stream: StreamID in [3, 5] {
      scenario.core.respond(scenario.slot(of: stream), .ok, ["Connection": "close"], content: [])
      scenario.core.endHandler(scenario.slot(of: stream))
    }
    #expect(scenario.write().count == 2 && scenario.isFinished)
  }

  @Test func `a second shutdown has no effect`() {
    let scenario = CoreScenario.begun()
    scenario.core.beginShutdown()
    scenario.core.beginShutdown()
    scenario.core.completeShutdown()
    scenario.core.completeShutdown()
    #expect(
      scenario.take() == [.goAway(StreamID.largest, .none), .ping(HTTP2Core.PingData.shutdown), .goAway(0, .none)])
    #expect(scenario.isFinished)
  }
}
