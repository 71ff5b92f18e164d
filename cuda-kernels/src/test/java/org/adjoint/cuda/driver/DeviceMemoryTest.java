package org.adjoint.cuda.driver;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import org.adjoint.backend.OutOfDeviceMemoryException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class DeviceMemoryTest {
    private static final long MIB = 1 << 20;

    /** A card of some size that knows what it handed out. */
    private static final class Card implements RawMemory {
        final TreeMap<Long, Long> taken = new TreeMap<>();
        final long total;
        long used;
        long next = 1L << 40;
        int calls;
        boolean synchronizedSinceRelease;

        Card(long total) {
            this.total = total;
        }

        @Override
        public long take(long bytes) {
            calls++;
            if (used + bytes > total) {
                return 0;
            }
            long address = next;
            next += Math.ceilDiv(bytes, 512) * 512 + 512;
            taken.put(address, bytes);
            used += bytes;
            return address;
        }

        @Override
        public void release(long address) {
            assertTrue(synchronizedSinceRelease, "memory was given back while kernels may use it");
            Long bytes = taken.remove(address);
            assertTrue(bytes != null, "released what was not taken");
            used -= bytes;
        }

        @Override
        public void synchronize() {
            synchronizedSinceRelease = true;
        }

        @Override
        public boolean mayWait() {
            return true;
        }

        @Override
        public long[] freeAndTotal() {
            return new long[] {total - used - 10 * MIB, total};
        }
    }

    @ParameterizedTest
    @ValueSource(longs = {1, 2, 3})
    void whatIsLiveNeverOverlapsAndAllOfItComesBack(long seed) {
        Card card = new Card(Long.MAX_VALUE);
        DeviceMemory memory = new DeviceMemory("cuda:0", card, true);
        Random random = new Random(seed);
        TreeMap<Long, Long> live = new TreeMap<>();
        for (int i = 0; i < 20_000; i++) {
            if (live.size() < 300 && random.nextInt(100) < 55) {
                long bytes = (long) Math.exp(random.nextDouble() * Math.log(60.0 * MIB)) - 1;
                long address = memory.allocate(bytes, true);
                assertEquals(0, address % DeviceMemory.ALIGNMENT);
                requireApart(live, address, Math.ceilDiv(Math.max(1, bytes), 256L) * 256);
                Map.Entry<Long, Long> segment = card.taken.floorEntry(address);
                assertTrue(address + bytes <= segment.getKey() + segment.getValue(), "beyond what was taken");
                assertEquals(null, live.put(address, bytes));
            } else if (!live.isEmpty()) {
                List<Long> addresses = new ArrayList<>(live.keySet());
                long address = addresses.get(random.nextInt(addresses.size()));
                memory.free(address);
                live.remove(address);
            }
            assertEquals(live.values().stream().mapToLong(Long::longValue).sum(), memory.liveBytes());
            if (i % 5_000 == 4_999) {
                memory.releaseIdle();
            }
            assertEquals(card.used, memory.reservedBytes());
        }
        live.keySet().forEach(memory::free);
        assertEquals(0, memory.liveBytes());
        memory.releaseIdle();
        assertEquals(Map.of(), card.taken);
        assertEquals(0, memory.reservedBytes());
    }

    private static void requireApart(TreeMap<Long, Long> live, long address, long bytes) {
        Map.Entry<Long, Long> before = live.lowerEntry(address + bytes);
        if (before != null) {
            long end = before.getKey() + Math.ceilDiv(Math.max(1, before.getValue()), 256L) * 256;
            assertTrue(end <= address, () -> "block at " + before.getKey() + " overlaps that at " + address);
        }
    }

    @Test
    void freedMemoryServesTheNextRequestWithoutTheDriver() {
        Card card = new Card(Long.MAX_VALUE);
        DeviceMemory memory = new DeviceMemory("cuda:0", card, true);
        long address = memory.allocate(30 * MIB, true);
        memory.free(address);
        int calls = card.calls;
        assertEquals(address, memory.allocate(29 * MIB + 5, true));
        assertEquals(calls, card.calls);
    }

    @Test
    void theSmallestBlockThatFitsIsTaken() {
        DeviceMemory memory = new DeviceMemory("cuda:0", new Card(Long.MAX_VALUE), true);
        long large = memory.allocate(64 * MIB, true);
        long fitting = memory.allocate(32 * MIB, true);
        memory.free(large);
        memory.free(fitting);
        assertEquals(fitting, memory.allocate(32 * MIB, true));
    }

    @Test
    void freedNeighborsJoin() {
        Card card = new Card(Long.MAX_VALUE);
        DeviceMemory memory = new DeviceMemory("cuda:0", card, true);
        long[] parts = new long[4];
        for (int i = 0; i < parts.length; i++) {
            parts[i] = memory.allocate(5 * MIB, true);
        }
        assertEquals(1, card.taken.size());
        memory.free(parts[0]);
        memory.free(parts[2]);
        memory.free(parts[1]);
        assertEquals(parts[0], memory.allocate(15 * MIB, true));
        assertEquals(1, card.taken.size());
    }

    @Test
    void nothingStillHasAnAddressOfItsOwn() {
        DeviceMemory memory = new DeviceMemory("cuda:0", new Card(Long.MAX_VALUE), true);
        assertNotEquals(memory.allocate(0, true), memory.allocate(0, true));
        assertEquals(0, memory.liveBytes());
    }

    @Test
    void idleSegmentsAreGivenBackBeforeMemoryRunsOut() {
        Card card = new Card(100 * MIB);
        DeviceMemory memory = new DeviceMemory("cuda:0", card, true);
        memory.free(memory.allocate(60 * MIB, true));
        long address = memory.allocate(80 * MIB, true);
        assertEquals(80 * MIB, card.taken.get(address));
    }

    @Test
    void aRequestFitsThoughTheUsualSegmentDoesNot() {
        Card card = new Card(12 * MIB);
        DeviceMemory memory = new DeviceMemory("cuda:0", card, true);
        memory.allocate(9 * MIB, true);
        assertEquals(10 * MIB, card.used);
    }

    @Test
    void runningOutSaysWhatIsLiveWhatIsFreeAndWhatHelps() {
        Card card = new Card(100 * MIB);
        DeviceMemory memory = new DeviceMemory("cuda:1", card, true);
        memory.allocate(50 * MIB, true);
        var e = assertThrows(OutOfDeviceMemoryException.class, () -> memory.allocate(55 * MIB, true));
        assertEquals("cuda:1: 55.0 MiB were asked for, but 50.0 MiB are in live buffers and of the card's 100.0 MiB "
            + "only 40.0 MiB are free (10.0 MiB belong to CUDA itself and to other processes, see nvidia-smi): close "
            + "tensors that are not needed, or use a smaller batch or model", e.getMessage());
        assertEquals(50 * MIB, memory.liveBytes());
        memory.allocate(20 * MIB, true);
    }

    @Test
    void sizesThatOverflowRunOutToo() {
        DeviceMemory memory = new DeviceMemory("cuda:0", new Card(100 * MIB), true);
        assertThrows(OutOfDeviceMemoryException.class, () -> memory.allocate(Long.MAX_VALUE, true));
        assertThrows(OutOfDeviceMemoryException.class, () -> memory.allocate(Long.MAX_VALUE / 2, true));
        assertThrows(IllegalArgumentException.class, () -> memory.allocate(-1, true));
    }

    @Test
    void withoutPoolingEachRequestIsAnAllocationThatIsGivenBackAtOnce() {
        Card card = new Card(100 * MIB);
        DeviceMemory memory = new DeviceMemory("cuda:0", card, false);
        long address = memory.allocate(100, true);
        assertEquals(Map.of(address, 128L), card.taken);
        assertFalse(card.synchronizedSinceRelease);
        memory.free(address);
        assertEquals(Map.of(), card.taken);
        assertEquals(0, memory.reservedBytes());
        assertEquals(0, memory.liveBytes());
    }

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void closingFreesAllWhetherInUseOrNot(boolean pooling) {
        Card card = new Card(1 << 30);
        card.synchronize();
        DeviceMemory memory = new DeviceMemory("cuda:0", card, pooling);
        for (int i = 0; i < 40; i++) {
            long address = memory.allocate((long) i * i * 10_000, true);
            if (i % 3 == 0) {
                memory.free(address);
            }
        }
        memory.close();
        assertEquals(Map.of(), card.taken);
        assertEquals(0, memory.liveBytes());
    }

    @Test
    void freeingTwiceIsAnError() {
        DeviceMemory memory = new DeviceMemory("cuda:0", new Card(100 * MIB), true);
        long address = memory.allocate(100, true);
        memory.free(address);
        assertThrows(IllegalArgumentException.class, () -> memory.free(address));
    }

    @Test
    void whatTheDeviceKeepsForItselfIsNotCounted() {
        DeviceMemory memory = new DeviceMemory("cuda:0", new Card(100 * MIB), true);
        long address = memory.allocate(MIB, false);
        assertEquals(0, memory.liveBytes());
        memory.free(address);
        assertEquals(0, memory.liveBytes());
    }
}
