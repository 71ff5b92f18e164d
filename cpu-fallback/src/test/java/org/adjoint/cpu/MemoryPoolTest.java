package org.adjoint.cpu;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.adjoint.backend.OutOfDeviceMemoryException;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class MemoryPoolTest {
    private static final Pattern RANGE = Pattern.compile("([0-9a-f]+)-([0-9a-f]+) ");

    private final AtomicInteger reclaims = new AtomicInteger();
    private final MemoryPool pool = new MemoryPool(reclaims::incrementAndGet);

    @AfterEach
    void close() {
        pool.close();
    }

    @Test
    void buffersAreAlignedAndPadded() {
        for (long bytes : new long[] {0, 1, 63, 64, 65, 207, 4098, 1 << 20, (1 << 20) + 1, (65L << 20) + 3}) {
            try (CpuBuffer buffer = new CpuBuffer(pool, bytes)) {
                assertEquals(bytes, buffer.bytes());
                assertEquals(0, buffer.memory().address() % 64, "alignment of " + bytes);
                assertEquals(Math.max(64, (bytes + 63) / 64 * 64), buffer.memory().byteSize());
                assertEquals(bytes, pool.liveBytes());
            }
        }
        assertEquals(0, pool.liveBytes());
    }

    @Test
    void largeBlocksAreOfLargePages() throws IOException {
        Path mappings = Path.of("/proc/self/smaps");
        assumeTrue(Files.isReadable(mappings) && Files.isDirectory(Path.of("/sys/kernel/mm/transparent_hugepage")));
        try (CpuBuffer small = new CpuBuffer(pool, 1 << 10); CpuBuffer large = new CpuBuffer(pool, 9L << 20)) {
            List<String> lines = Files.readAllLines(mappings);
            assertTrue(isAdvised(lines, large.memory().address()));
            assertTrue(isAdvised(lines, large.memory().address() + large.memory().byteSize() - 1));
            assertFalse(isAdvised(lines, small.memory().address()));
        }
    }

    /** Whether the mapping that holds an address has the flag of {@code MADV_HUGEPAGE}. */
    private static boolean isAdvised(List<String> mappings, long address) {
        boolean within = false;
        for (String line : mappings) {
            Matcher range = RANGE.matcher(line);
            if (range.lookingAt()) {
                within = Long.compareUnsigned(Long.parseUnsignedLong(range.group(1), 16), address) <= 0
                    && Long.compareUnsigned(address, Long.parseUnsignedLong(range.group(2), 16)) < 0;
            } else if (within && line.startsWith("VmFlags:")) {
                return List.of(line.split(" ")).contains("hg");
            }
        }
        throw new AssertionError("no mapping holds " + Long.toHexString(address));
    }

    @Test
    void aReleasedBlockServesRequestsOfItsSizeClass() {
        CpuBuffer first = new CpuBuffer(pool, 1000);
        long address = first.memory().address();
        first.close();
        first.close();
        assertEquals(0, pool.liveBytes());
        CpuBuffer second = new CpuBuffer(pool, 1020);
        CpuBuffer third = new CpuBuffer(pool, 1000);
        assertEquals(address, second.memory().address());
        assertNotEquals(address, third.memory().address());
        second.close();
        third.close();
    }

    @Test
    void aBufferIsNotUsedAfterItWasClosed() {
        CpuBuffer buffer = new CpuBuffer(pool, 24);
        buffer.close();
        assertTrue(assertThrows(IllegalStateException.class, buffer::memory).getMessage().contains("24 bytes"));
    }

    @Test
    void tooMuchIsAnErrorThatSaysWhatThereIs() {
        CpuBuffer live = new CpuBuffer(pool, 3 << 20);
        String message = assertThrows(OutOfDeviceMemoryException.class,
            () -> new CpuBuffer(pool, 1L << 50)).getMessage();
        assertTrue(message.contains("1.0 PiB were asked for") && message.contains("3.0 MiB are in live buffers")
            && message.contains(Machine.text(Machine.memoryBytes())), message);
        // Half as much again as there is free: idle memory is given up first, and not enough.
        long more = Math.min(Machine.memoryBytes(), Machine.availableBytes() * 3 / 2);
        assertThrows(OutOfDeviceMemoryException.class, () -> new CpuBuffer(pool, more));
        assertEquals(1, reclaims.get());
        assertEquals(3 << 20, pool.liveBytes());
        live.close();
        new CpuBuffer(pool, 64).close();
    }

    @Test
    void aClosedPoolFreesWhatComesBack() {
        CpuBuffer buffer = new CpuBuffer(pool, 64);
        pool.close();
        buffer.close();
        assertEquals(0, pool.liveBytes());
        assertThrows(IllegalStateException.class, () -> new CpuBuffer(pool, 64));
        assertThrows(IllegalStateException.class, () -> buffer.memory());
    }
}
