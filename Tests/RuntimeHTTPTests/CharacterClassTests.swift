import Testing

@testable import RuntimeHTTP

@Suite struct CharacterClassTests {
  @Test func `the token characters are the tchar of RFC 9110 section 5.6.2`() {
    expectSame(.token, CharacterClass("!#$%&'*+-.^_`|~", alphanumerics: true))
  }

  @Test func `the characters of a registered name are those of RFC 3986 section 3.2.2`() {
    expectSame(.registeredName, CharacterClass("-._~!$&'()*+,;=", alphanumerics: true))
  }

  private func expectSame(_ left: CharacterClass, _ right: CharacterClass) {
    for byte in UInt8.min...UInt8.max { #expect(left.contains(byte) == right.contains(byte), "\(byte)") }
  }
}
