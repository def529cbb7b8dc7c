/// What a client's connection of HTTP/2 begins with (RFC 9113 section 3.4). Its first line is a request line that no HTTP/1
/// client sends.
package let connectionPreface: StaticString = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
