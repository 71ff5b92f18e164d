package org.adjoint.cuda.driver;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeFalse;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.FileTime;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class CubinCacheTest {
    private static final long LIMIT = 1 << 20;

    @TempDir
    private Path root;

    private CubinCache cache() {
        return new CubinCache(root.resolve("cubins"), List.of(), LIMIT);
    }

    private static byte[] key(String text) {
        return CubinCache.key(List.of(text));
    }

    private static byte[] cubin(long seed, int bytes) {
        byte[] cubin = new byte[bytes];
        new Random(seed).nextBytes(cubin);
        return cubin;
    }

    private static void requireStored(CubinCache cache, byte[] key, byte[] cubin) {
        assertArrayEquals(cubin, load(cache, key).orElseThrow());
    }

    private static Optional<byte[]> load(CubinCache cache, byte[] key) {
        return cache.load(key, key);
    }

    private Path onlyFile() throws IOException {
        try (Stream<Path> files = Files.list(root.resolve("cubins"))) {
            List<Path> all = files.toList();
            assertEquals(1, all.size(), all::toString);
            return all.getFirst();
        }
    }

    @Test
    void whatIsStoredIsFoundByAnotherProcess() throws IOException {
        cache().store(key("a"), cubin(1, 1000));
        requireStored(cache(), key("a"), cubin(1, 1000));
        assertEquals(Optional.empty(), load(cache(), key("b")));
        assertEquals("rwx------",
            PosixFilePermissions.toString(Files.getPosixFilePermissions(root.resolve("cubins"))));
    }

    @Test
    void keysTellApartWhereOnePartEnds() {
        assertFalse(Arrays.equals(CubinCache.key(List.of("ab", "c")), CubinCache.key(List.of("a", "bc"))));
    }

    @Test
    void everyDamagedEntryIsRebuilt() throws IOException {
        byte[] cubin = cubin(2, 300);
        cache().store(key("a"), cubin);
        Path file = onlyFile();
        byte[] good = Files.readAllBytes(file);
        for (int i = 0; i < good.length; i += 7) {
            byte[] bad = good.clone();
            bad[i] ^= 1;
            Files.write(file, bad);
            assertEquals(Optional.empty(), load(cache(), key("a")), "byte " + i + " differs");
        }
        for (int length : new int[] {0, 1, 40, 72, 73, good.length - 1}) {
            Files.write(file, Arrays.copyOf(good, length));
            assertEquals(Optional.empty(), load(cache(), key("a")), "cut off at " + length);
        }
        Files.write(file, Arrays.copyOf(good, good.length + 1));
        assertEquals(Optional.empty(), load(cache(), key("a")));
        cache().store(key("a"), cubin);
        requireStored(cache(), key("a"), cubin);
    }

    @Test
    void anotherEntryUnderThisNameDoesNotServe() throws IOException {
        cache().store(key("a"), cubin(1, 100));
        Path a = onlyFile();
        cache().store(key("b"), cubin(2, 100));
        Path b;
        try (Stream<Path> files = Files.list(root.resolve("cubins"))) {
            b = files.filter(file -> !file.equals(a)).findFirst().orElseThrow();
        }
        Files.copy(a, b, StandardCopyOption.REPLACE_EXISTING);
        assertEquals(Optional.empty(), load(cache(), key("b")));
    }

    @Test
    void manyWritersAndReadersNeverSeeHalfAnEntry() throws InterruptedException, ExecutionException {
        try (ExecutorService threads = Executors.newFixedThreadPool(8)) {
            List<Future<?>> done = new ArrayList<>();
            for (int t = 0; t < 8; t++) {
                done.add(threads.submit(() -> {
                    CubinCache mine = cache();
                    for (int i = 0; i < 60; i++) {
                        byte[] expected = cubin(i % 5, 20_000);
                        byte[] key = key("kernel " + i % 5);
                        load(mine, key).ifPresent(found -> assertArrayEquals(expected, found));
                        mine.store(key, expected);
                        assertArrayEquals(expected, load(mine, key).orElseThrow());
                    }
                }));
            }
            for (Future<?> future : done) {
                future.get();
            }
        }
    }

    @Test
    void theLeastRecentlyUsedGoWhenItGrowsTooLarge() throws IOException {
        CubinCache cache = cache();
        for (int i = 0; i < 10; i++) {
            cache.store(key("k" + i), cubin(i, 100_000));
            Path file = root.resolve("cubins")
                .resolve(HexFormat.of().formatHex(key("k" + i)) + ".cubin");
            Files.setLastModifiedTime(file, FileTime.from(Instant.now().minusSeconds(1000 - i)));
        }
        requireStored(cache, key("k0"), cubin(0, 100_000));
        cache.store(key("new"), cubin(99, 200_000));
        requireStored(cache, key("k0"), cubin(0, 100_000));
        requireStored(cache, key("new"), cubin(99, 200_000));
        assertEquals(Optional.empty(), load(cache, key("k1")));
        requireStored(cache, key("k9"), cubin(9, 100_000));
    }

    @Test
    void foldersFilledBeforehandAreReadAndNeverWritten() throws IOException {
        cache().store(key("a"), cubin(1, 100));
        Files.move(root.resolve("cubins"), root.resolve("filled"));
        CubinCache cache = new CubinCache(root.resolve("own"), List.of(root.resolve("absent"), root.resolve("filled")),
            LIMIT);
        requireStored(cache, key("a"), cubin(1, 100));
        assertFalse(Files.exists(root.resolve("own")));
    }

    @Test
    void foldersFilledBeforehandHaveKeysOfTheirOwn() throws IOException {
        cache().store(key("without version"), cubin(1, 100));
        Files.move(root.resolve("cubins"), root.resolve("filled"));
        CubinCache cache = new CubinCache(root.resolve("own"), List.of(root.resolve("filled")), LIMIT);
        assertArrayEquals(cubin(1, 100), cache.load(key("with"), key("without version")).orElseThrow());
        assertEquals(Optional.empty(), cache.load(key("without version"), key("with")));
        cache.store(key("with"), cubin(2, 100));
        assertArrayEquals(cubin(2, 100), cache.load(key("with"), key("without version")).orElseThrow());
    }

    @Test
    void aFolderThatCannotBeWrittenIsSaidOnce() throws IOException {
        Path blocked = root.resolve("blocked");
        Files.writeString(blocked, "a file, not a folder");
        List<String> said = new ArrayList<>();
        CubinCache cache = new CubinCache(blocked.resolve("cubins"), List.of(), LIMIT, said::add);
        cache.store(key("a"), cubin(1, 100));
        cache.store(key("b"), cubin(1, 100));
        assertEquals(1, said.size(), said::toString);
        assertTrue(said.getFirst().contains("compiled kernels can't be kept in " + blocked.resolve("cubins"))
            && said.getFirst().contains("ADJOINT_CUDA_CACHE"), said::toString);
        assertEquals(Optional.empty(), load(cache, key("a")));
    }

    @Test
    void aReadOnlyFolderStillServes() throws IOException {
        cache().store(key("a"), cubin(1, 100));
        Path folder = root.resolve("cubins");
        Files.setPosixFilePermissions(folder, PosixFilePermissions.fromString("r-x------"));
        try {
            assumeFalse(Files.isWritable(folder), "root may write anywhere");
            List<String> said = new ArrayList<>();
            CubinCache cache = new CubinCache(folder, List.of(), LIMIT, said::add);
            cache.store(key("b"), cubin(1, 100));
            assertEquals(1, said.size(), said::toString);
            requireStored(cache, key("a"), cubin(1, 100));
        } finally {
            Files.setPosixFilePermissions(folder, PosixFilePermissions.fromString("rwx------"));
        }
    }

    @Test
    void theFolderIsChosenByPropertyThenEnvironmentThenConvention() {
        Map<String, String> environment = Map.of("ADJOINT_CUDA_CACHE", "/e", "XDG_CACHE_HOME", "/x");
        Map<Object, Object> home = Map.of("user.home", "/h");
        assertEquals(Path.of("/p"), CubinCache.userFolder(Map.<Object, Object>of("adjoint.cuda.cache", "/p")::get,
            environment));
        assertEquals(Path.of("/e"), CubinCache.userFolder(home::get, environment));
        assertEquals(Path.of("/x/adjoint/cubins"), CubinCache.userFolder(home::get, Map.of("XDG_CACHE_HOME", "/x")));
        assertEquals(Path.of("/h/.cache/adjoint/cubins"), CubinCache.userFolder(home::get, Map.of()));
    }
}
