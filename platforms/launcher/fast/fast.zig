//! What a start waits for while it unpacks or verifies: a module of its own, built to be fast. All else is built to be small.
pub const Blocks = @import("zstd_blocks.zig").Blocks;
pub const Room = @import("zstd_blocks.zig").Room;
pub const Block = @import("zstd_blocks.zig").Block;
pub const largest_block = @import("zstd_blocks.zig").largest_block;
pub const Output = @import("zstd_copy.zig").Output;
pub const slack = @import("zstd_copy.zig").slack;
pub const Sum = @import("checksum.zig").Sum;
pub const Sha256 = @import("sha256.zig").Sha256;
pub const pe_filter = @import("pe_filter.zig");
