import Testing

@testable import RuntimeHTTP

@Suite struct HeaderTablesTests {
  @Test func `7541 A - each name of the static table is found, with its values from its first index on`() {
    let table = StaticTable.shared
    var first = 1
    for index in 1...StaticTable.count {
      let field = table[index]
      if "\(field.name)" != "\(table[first].name)" { first = index }
      let name = Array("\(field.name)".utf8)
      let value = Array("\(field.value)".utf8)
      #expect(table.index(of: name.span, NameHash(name.span)) == first)
      #expect(table.index(ofValue: value.span, nameIndex: first) == index)
      #expect(first + table[first].entries > index)
      let longer = name + [UInt8(ascii: "s")]
      #expect(table.index(of: longer.span, NameHash(longer.span)) == 0)
      let other = Array("no such value".utf8)
      #expect(table.index(ofValue: other.span, nameIndex: first) == nil)
    }
    let entries = (1...StaticTable.count).map { table[$0] }
    #expect(Set(entries.map { "\($0.name)" }).count == 52)
    #expect("\(table[StaticTable.contentLength].name)" == "content-length")
    #expect(Dictionary(grouping: entries) { "\($0.name)" }.allSatisfy { $1.first?.entries == $1.count })
  }

  @Test func `7541 4 - the dynamic table behaves like a list of lines`() {
    var generator = SeededGenerator(state: 4)
    for maximum in [0, 31, 32, 100, 1000, 4096] {
      var table = DynamicTable(maximumSize: maximum)
      var model: [HeaderLine] = []
      var modelMaximum = maximum
      for _ in 0..<2000 {
        if Int.random(in: 0..<50, using: &generator) == 0 {
          modelMaximum = Int.random(in: 0...maximum, using: &generator)
          table.resize(to: modelMaximum)
        } else {
          let bytes = (0..<Int.random(in: 0..<60, using: &generator)).map { UInt8(0x20 + $0) }
          let line = HeaderLine(name: Array(bytes.prefix(9)), value: bytes)
          table.add(line.name.span, line.value.span)
          model.insert(line, at: 0)
        }
        func size() -> Int { model.reduce(0) { $0 + $1.name.count + $1.value.count + 32 } }
        while size() > modelMaximum { model.removeLast() }
        #expect(table.size == size())
        #expect(table.count == model.count)
        #expect(table.lines == model.map(\.description))
      }
    }
  }

  @Test(arguments: [1, 1 << 32 - 20, 1 << 32, 1 << 33 - 1])
  func `an encoder finds the lines of its table, also when their numbers have more than 32 bits`(first: Int) {
    var table = DynamicTable(maximumSize: 400, firstNumber: first)
    var names = NameIndex()
    for step in 0..<40 {
      let (name, value) = (Array("name\(step % 5)".utf8), Array("\(step)".utf8))
      let hash = NameHash(name.span)
      let before = names.find(name.span, value.span, hash, in: table)
      #expect(before.line == nil && before.name == (step < 5 ? nil : first + step - 5))
      table.add(name.span, value.span, link: names.add(hash, number: table.nextNumber))
      #expect(names.find(name.span, value.span, hash, in: table).line == first + step)
    }
  }

  @Test func `a buffer that is filled and emptied repeatedly keeps its memory`() {
    var buffer = ByteBuffer(capacity: 0)
    for round in 0..<10_000 {
      for byte in 0..<100 { buffer.append(UInt8(truncatingIfNeeded: round + byte)) }
      if round >= 10 { buffer.consume(100) }
      #expect(buffer.capacity <= 4096)
    }
    #expect(Array(buffer.contents.prefix(3)) == [9990, 9991, 9992].map { UInt8(truncatingIfNeeded: $0) })
  }
}
