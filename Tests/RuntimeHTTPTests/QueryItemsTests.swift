import RuntimeHTTP
import Testing

@Suite struct QueryItemsTests {
  @Test(arguments: [
    ("", []), ("a=1", ["a=1"]), ("a=1&b=2&a=3", ["a=1", "b=2", "a=3"]), ("a", ["a="]), ("a=", ["a="]),
    ("=1", ["=1"]), ("a=1=2", ["a=1=2"]), ("&&a=1&", ["a=1"]), ("n%61me=v%26+x", ["name=v& x"]), ("a=%zz", ["a=%zz"]),
  ])
  func `items are decoded and keep their order`(query: String, items: [String]) {
    #expect(QueryItems(query).map { "\($0.name)=\($0.value)" } == items)
  }

  @Test func `the first of several values is the value`() {
    let query = QueryItems("ms=5&ms=6&flag")
    #expect(query["ms"] == "5")
    #expect(query.values(for: "ms") == ["5", "6"])
    #expect(query["flag"] == "")
    #expect(query["MS"] == nil)
    #expect(query.contains("flag") && !query.contains("none"))
    #expect(query.count == 3)
  }
}
