import RuntimeHTTP
import Testing

@Suite struct PercentEncodingTests {
  @Test(arguments: [
    ("", ""), ("plain", "plain"), ("a%20b", "a b"), ("a+b", "a+b"), ("%41%7a%7A", "Azz"), ("%2F", "/"),
    ("caf%C3%A9", "café"), ("café", "café"), ("%F0%9F%9A%97", "🚗"), ("%25", "%"), ("%2541", "%41"),
  ])
  func `well-formed text is decoded`(encoded: String, decoded: String) {
    #expect(PercentEncoding.decode(encoded) == decoded)
  }

  @Test(arguments: ["%", "a%", "%4", "%4g", "%g4", "%%41", "%-1", "% 41"])
  func `a malformed escape is refused`(encoded: String) {
    #expect(PercentEncoding.decode(encoded) == nil)
  }

  @Test(arguments: ["%00", "a%00b", "%FF", "%C3", "%C3%28", "%C0%AF", "%ED%A0%80", "%F5%80%80%80"])
  func `text that decodes to NUL or is not UTF-8 is refused`(encoded: String) {
    #expect(PercentEncoding.decode(encoded) == nil)
  }

  @Test(arguments: [
    ("a+b", "a b"), ("%2B", "+"), ("100%", "100%"), ("%%41", "%A"), ("%4%41", "%4A"), ("%g", "%g"), ("%FF", "\u{FFFD}"),
    ("%00", "\0"), ("%4", "%4"),
  ])
  func `a form is decoded as the URL Standard says`(encoded: String, decoded: String) {
    #expect(PercentEncoding.decodeForm(encoded.utf8) == decoded)
  }

  @Test func `every byte except unreserved characters is encoded`() {
    #expect(PercentEncoding.encode("a-Z_0.9~") == "a-Z_0.9~")
    #expect(PercentEncoding.encode("a b/c?d=é&%+") == "a%20b%2Fc%3Fd%3D%C3%A9%26%25%2B")
  }

  @Test func `encoded text decodes to itself`() {
    let text = String(String.UnicodeScalarView((1...0x300).compactMap(Unicode.Scalar.init)))
    #expect(PercentEncoding.decode(PercentEncoding.encode(text)) == text)
    #expect(PercentEncoding.decodeForm(PercentEncoding.encode(text).utf8) == text)
  }
}
