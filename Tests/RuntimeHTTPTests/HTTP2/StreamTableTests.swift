import Testing

@testable import RuntimeHTTP

@Suite struct StreamTableTests {
  @Test func `a table finds the same streams as a dictionary`() {
    var table = StreamTable()
    var model: [StreamID: Int] = [:]
    var next: StreamID = 1
    for step in 0..<20_000 {
      if model.count < 60, step % 3 != 0 {
        let slot = table.insert(next)
        table[slot].open(next, sendWindow: 0, receiveWindow: 0)
        model[next] = slot
        next += StreamID.random(in: 1...40) * 2
      } else if let (stream, slot) = model.randomElement() {
        table.remove(at: slot)
        model[stream] = nil
        #expect(table.slot(of: stream) == nil)
      }
      #expect(table.count == model.count)
    }
    for (stream, slot) in model { #expect(table.slot(of: stream) == slot && table[slot].id == stream) }
    // There are at most as many slots as there were streams at the same time.
    #expect(table.slots.count <= 60)
  }

  @Test func `the table of closed streams knows how the last 256 closed`() {
    var closed = ClosedStreams()
    let ends: [ClosedStreams.End] = [.finished, .resetByPeer, .resetByUs]
    for stream in 0..<1000 { closed.insert(StreamID(2 * stream + 1), ends[stream % 3]) }
    for stream in 744..<1000 { #expect(closed[StreamID(2 * stream + 1)] == ends[stream % 3]) }
    for stream in 0..<744 { #expect(closed[StreamID(2 * stream + 1)] == nil) }
    #expect(closed[StreamID.largest] == nil)
  }
}
