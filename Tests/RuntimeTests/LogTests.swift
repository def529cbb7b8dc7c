import Testing

@testable import Runtime

@Suite struct LogTests {
  @Test(
    arguments: [
      (0, "1970-01-01T00:00:00.000Z", "01/Jan/1970:00:00:00 +0000"),
      (951_782_400_999_999_999, "2000-02-29T00:00:00.999Z", "29/Feb/2000:00:00:00 +0000"),
      (1_795_969_200_123_456_789, "2026-11-29T16:20:00.123Z", "29/Nov/2026:16:20:00 +0000"),
      (4_107_542_399_000_000_000, "2100-02-28T23:59:59.000Z", "28/Feb/2100:23:59:59 +0000"),
      (Int64.max, "2262-04-11T23:47:16.854Z", "11/Apr/2262:23:47:16 +0000"), (-1, "1970-01-01T00:00:00.000Z", nil),
    ] as [(Int64, String, String?)])
  func `Times are written in UTC`(nanoseconds: Int64, rfc3339: String, common: String?) {
    let time = WallTime(nanosecondsSince1970: nanoseconds)
    #expect(text { time.appendRFC3339(to: &$0) } == rfc3339)
    if let common { #expect(text { time.appendCommon(to: &$0) } == common) }
  }

  @Test func `A time before 1970 becomes 1970`() {
    let time = WallTime(nanosecondsSince1970: 2_000_000_000)
    #expect(text { time.before(nanoseconds: 1_500_000_000).appendRFC3339(to: &$0) } == "1970-01-01T00:00:00.500Z")
    #expect(text { time.before(nanoseconds: .max).appendRFC3339(to: &$0) } == "1970-01-01T00:00:00.000Z")
    #expect(text { time.before(nanoseconds: .min).appendRFC3339(to: &$0) } == "1970-01-01T00:00:02.000Z")
  }

  @Test(
    arguments: [
      (Array("plain".utf8), #""plain""#, "plain"), ([], #""""#, ""),
      (Array(#"a"b\c"#.utf8), #""a\"b\\c""#, #"a\"b\\c"#),
      ([0x00, 0x0A, 0x1B, 0x7F], #""\u0000\u000a\u001b\u007f""#, #"\x00\x0a\x1b\x7f"#),
      (Array("naïve 🙂".utf8), #""naïve 🙂""#, #"na\xc3\xafve \xf0\x9f\x99\x82"#),
      (Array("\u{85}\u{2028}\"é".utf8), #""\u0085\u2028\"é""#, #"\xc2\x85\xe2\x80\xa8\"\xc3\xa9"#),
      (
        [0x61, 0xFF, 0xC3, 0x22, 0xED, 0xA0, 0x80], #""a\#u{FFFD}\#u{FFFD}\"\#u{FFFD}\#u{FFFD}\#u{FFFD}""#,
        #"a\xff\xc3\"\xed\xa0\x80"#
      ),
    ] as [([UInt8], String, String)])
  func `Any bytes become a JSON string, and text as Apache writes it`(bytes: [UInt8], json: String, apache: String) {
    #expect(text { $0.append(json: bytes.span) } == json)
    #expect(text { $0.append(escaped: bytes.span) } == apache)
  }

  @Test(arguments: [(0, "0", "000"), (7, "7", "007"), (1234, "1234", "1234"), (Int.max, "\(Int.max)", "\(Int.max)")])
  func `Numbers have as many digits as they need, or as requested`(number: Int, plain: String, padded: String) {
    #expect(text { $0.append(decimal: number) } == plain)
    #expect(text { $0.append(decimal: number, digits: 3) } == padded)
    #expect(text { $0.append(decimal: .min) } == "\(Int.min)")
  }

  @Test func `An event is a line, in text and in JSON`() {
    let time = WallTime(nanosecondsSince1970: 1_795_969_200_123_456_789)
    let plain = LogEvent(.warning, "it is\n\"late\"")
    #expect(text { plain.append(to: &$0, .text, at: time) } == "2026-11-29T16:20:00.123Z warning: it is\\n\"late\"\n")
    #expect(
      text { plain.append(to: &$0, .json, at: time) }
        == #"{"time":"2026-11-29T16:20:00.123Z","level":"warning","message":"it is\\n\"late\""}"# + "\n")
    let event = LogEvent(.error, "no", about: .init(request: "a-1", method: "GET", route: "/b/:c"))
    #expect("\(event)" == "error: no (request a-1, GET, route /b/:c)")
    #expect(
      text { event.append(to: &$0, .json, at: time) }
        == #"{"time":"2026-11-29T16:20:00.123Z","level":"error","message":"no","request_id":"a-1","method":"GET","#
        + #""route":"/b/:c"}"# + "\n")
  }

  @Test func `Further fields follow an event, each JSON member with a name of its own`() {
    let time = WallTime(nanosecondsSince1970: 1_795_969_200_123_456_789)
    let fields = [
      LogEvent.Field("trace_id", "4b\n\""), LogEvent.Field("time", "late"), LogEvent.Field("time", "later"),
      LogEvent.Field("route", ""),
    ]
    let event = LogEvent(.notice, "no", about: .init(request: "a-1", method: "GET", route: nil), fields: fields)
    #expect("\(event)" == #"notice: no (request a-1, GET) trace_id="4b\x0a\"" time="late" time="later" route="""#)
    #expect(
      text { event.append(to: &$0, .json, at: time) }
        == #"{"time":"2026-11-29T16:20:00.123Z","level":"notice","message":"no","request_id":"a-1","method":"GET","#
        + #""trace_id":"4b\u000a\"","time_":"late","time__":"later","route_":""}"# + "\n")
  }

  private func text(_ append: (inout [UInt8]) -> Void) -> String {
    var bytes: [UInt8] = []
    append(&bytes)
    return String(decoding: bytes, as: UTF8.self)
  }
}
