// swift-tools-version: 6.2
import PackageDescription

// A package of its own, so that the libraries without TLS need no OpenSSL.
let package = Package(
  name: "gearbox-tls",
  targets: [
    .systemLibrary(name: "COpenSSL", pkgConfig: "openssl", providers: [.apt(["libssl-dev"])]),
    .target(name: "CTLS", dependencies: ["COpenSSL"]),
  ]
)
