import Testing

@testable import RuntimeHTTP

@Suite struct SegmentTableTests {
  /// The long segments differ only in the middle, which the hash skips.
  private static let segments =
    ["", "a", "b", "users", "userz", "8 bytes.", "9 bytes..", "äöü"]
    + (0..<300).map { "the same beginning \($0 + 100) and the same end" }

  @Test func `each segment leads from each parent to its own child`() {
    var table = SegmentTable()
    var children: [(parent: Int, segment: String, child: Int)] = []
    for parent in [0, 1, 77] {
      for segment in Self.segments { children.append((parent, segment, children.count + 100)) }
    }
    for (parent, segment, child) in children { table.add(child, under: parent, for: segment.utf8.span) }
    for (parent, segment, child) in children {
      #expect(table.child(of: parent, for: segment.utf8.span) == child)
      #expect(table.child(of: 2, for: segment.utf8.span) == nil)
      #expect(table.child(of: parent, for: (segment + "?").utf8.span) == nil)
    }
  }

  @Test func `an empty table has no children`() {
    #expect(SegmentTable().child(of: 0, for: "a".utf8.span) == nil)
    #expect(SegmentTable().child(of: 0, for: "".utf8.span) == nil)
  }
}
