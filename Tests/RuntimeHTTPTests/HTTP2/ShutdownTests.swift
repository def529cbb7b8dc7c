import Testing

@testable import RuntimeHTTP

/// RFC 9113 section 6.8: a graceful end.
@Suite struct HTTP2ShutdownTests {
  private static let heard = ClientBytes.frame(
    .ping, .acknowledgement, ClientBytes.bytes(HTTP2Core.PingData.shutdown))

  @Test func `6_8 GOAWAY comes twice, and what was on its way in between is answered`() {
    let scenario = CoreScenario.begun()
    scenario.send(ClientBytes.request(1))
    scenario.core.beginShutdown()
    #expect(scenario.take() == [.goAway(StreamID.largest, .none), .ping(HTTP2Core.PingData.shutdown)])
    #expect(scenario.send(ClientBytes.request(3)) == [.request(3)])
    #expect(scenario.send(Self.heard) == [.goAway(3, .none)])
    #expect(!scenario.isFinished)
    // As if it had never been sent; the client knows.
    #expect(scenario.send(ClientBytes.request(5)) == [])
    for stream: StreamID in [1, 3] {
      let slot = scenario.slot(of: stream)
      scenario.core.respond(slot, .ok, [:], content: Array("bye".utf8))
      scenario.core.endHandler(slot)
    }
    #expect(scenario.write().count == 4)
    #expect(scenario.isFinished)
  }

  @Test func `6_8 a peer that gives no sign of having heard is not waited for longer than a round trip takes`() {
    let scenario = CoreScenario.begun()
    scenario.send(ClientBytes.request(1))
    scenario.core.beginShutdown()
    _ = scenario.take()
    _ = scenario.core.advance(to: 2)
    #expect(scenario.send(ClientBytes.request(3)) == [.request(3)])
    _ = scenario.core.advance(to: 3)
    #expect(scenario.take() == [.goAway(3, .none)])
    // What is in flight has its time all the same, and a sign that comes late says nothing new.
    #expect(scenario.send(Self.heard) == [])
    #expect(!scenario.isFinished && scenario.core.streams.count == 2)
  }

  @Test func `6_8 content and trailers of streams that are left go on`() {
    let scenario = CoreScenario.begun()
    scenario.send(ClientBytes.request(1, ClientBytes.post, flags: .endHeaders))
    scenario.core.beginShutdown()
    scenario.send(Self.heard)
    #expect(
      scenario.send(ClientBytes.data(1, "x"), ClientBytes.request(1, [("a", "b")])) == [.content(1), .content(1)])
  }

  @Test func `6_8 header blocks of streams that come too late are decoded all the same`() {
    let scenario = CoreScenario.begun()
    scenario.send(ClientBytes.request(1, ClientBytes.post, flags: .endHeaders))
    scenario.core.beginShutdown()
    scenario.send(Self.heard)
    let block = ClientBytes.block(ClientBytes.get) + [0x40, 1, 0x78, 1, 0x79]
    #expect(scenario.send(ClientBytes.frame(.headers, [.endHeaders, .endStream], stream: 3, block)) == [])
    // Refers to the line that the late block has put into the table.
    #expect(
      scenario.send(ClientBytes.frame(.headers, [.endHeaders, .endStream], stream: 1, [0x80 | 62])) == [.content(1)])
    #expect(scenario.core.streams[scenario.slot(of: 1)].trailers["x"] == "y")
  }

  @Test func `6_8 whatever comes for a stream that is too late is passed over, but for its part of the window`() {
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
    // The last stream is the one that was said to be (section 6.8: no number may be higher than one before).
    #expect(scenario.send(ClientBytes.data(0)) == [.failed(.protocolError), .goAway(1, .protocolError)])
  }

  @Test func `6_8 a request whose head has come in part is still waited for`() {
    let scenario = CoreScenario.begun()
    scenario.send(ClientBytes.request(1, flags: .endStream))
    scenario.core.beginShutdown()
    #expect(scenario.send() == [.goAway(StreamID.largest, .none), .ping(HTTP2Core.PingData.shutdown)])
    scenario.core.completeShutdown()
    #expect(scenario.take() == [.goAway(1, .none)] && !scenario.isFinished)
    #expect(scenario.send(ClientBytes.frame(.continuation, .endHeaders, stream: 1)) == [.request(1)])
  }

  @Test func `8_2_2 what HTTP1 says with Connection close is said with GOAWAY, behind the head`() {
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
    // What the client has asked for before it has heard is answered.
    #expect(scenario.send(ClientBytes.request(5), Self.heard) == [.request(5), .goAway(5, .none)])
    for stream: StreamID in [3, 5] {
      scenario.core.respond(scenario.slot(of: stream), .ok, ["Connection": "close"], content: [])
      scenario.core.endHandler(scenario.slot(of: stream))
    }
    #expect(scenario.write().count == 2 && scenario.isFinished)
  }

  @Test func `an end is begun once`() {
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
