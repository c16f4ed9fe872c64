import Glibc

/// Where a command writes what people and pipes read.
package protocol TextOutput: AnyObject {
    func write(_ text: String)
}

/// A file descriptor, written whole lines at a time.
///
/// A reader that goes away (`greenctl … | head`) ends the program quietly.
final class DescriptorOutput: TextOutput {
    private let descriptor: Int32

    init(_ descriptor: Int32) { self.descriptor = descriptor }

    func write(_ text: String) {
        var text = text
        text.withUTF8 { bytes in
            var rest = UnsafeRawBufferPointer(bytes)
            while let start = rest.baseAddress, !rest.isEmpty {
                let count = Glibc.write(descriptor, start, rest.count)
                if count < 0 {
                    if errno == EINTR { continue }
                    exit(errno == EPIPE ? 0 : Failure.Exit.refused.rawValue)
                }
                rest = UnsafeRawBufferPointer(rebasing: rest[count...])
            }
        }
    }
}
