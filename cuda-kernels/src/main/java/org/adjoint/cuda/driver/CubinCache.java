package org.adjoint.cuda.driver;

import java.io.File;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.FileTime;
import java.nio.file.attribute.PosixFilePermissions;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.Consumer;
import java.util.function.Function;

/**
 * Compiled kernels on disk, each in a file named by what it was compiled from. Processes may share a folder: entries
 * are written beside and moved into place. An entry that is damaged counts as absent. Where the folder can't be
 * written, that is said once and work goes on without.
 *
 * <p>An entry: 8 bytes {@code ADJCUBIN}, the 32 bytes of its key, the SHA-256 of the cubin, the cubin.
 */
public final class CubinCache {
    private static final System.Logger LOG = System.getLogger(CubinCache.class.getName());
    private static final byte[] MAGIC = "ADJCUBIN".getBytes(StandardCharsets.US_ASCII);
    private static final int HASH_BYTES = 32;
    private static final int HEADER_BYTES = MAGIC.length + 2 * HASH_BYTES;
    private static final String SUFFIX = ".cubin";
    private static final long DEFAULT_LIMIT = 512L << 20;

    private final Path folder;
    private final List<Path> filled;
    private final long limitBytes;
    private final Consumer<String> notice;
    private final AtomicBoolean complained = new AtomicBoolean();

    /**
     * @param folder made on the first store, with access for its owner only
     * @param filled folders that were filled beforehand, searched when {@code folder} lacks an entry; never written
     * @param limitBytes of all entries in {@code folder}; beyond it, those that were not used for longest go
     */
    public CubinCache(Path folder, List<Path> filled, long limitBytes) {
        this(folder, filled, limitBytes, text -> LOG.log(System.Logger.Level.WARNING, text));
    }

    /** @param notice told once where entries can't be stored */
    CubinCache(Path folder, List<Path> filled, long limitBytes, Consumer<String> notice) {
        this.notice = notice;
        this.folder = folder;
        this.filled = List.copyOf(filled);
        this.limitBytes = limitBytes;
    }

    /**
     * The cache of this user: the property {@code adjoint.cuda.cache}, else {@code ADJOINT_CUDA_CACHE}, else
     * {@code adjoint/cubins} in {@code XDG_CACHE_HOME} or {@code ~/.cache}. Folders filled beforehand come from the
     * property {@code adjoint.cuda.cubins}, separated as in a class path.
     */
    public static CubinCache ofUser() {
        return new CubinCache(userFolder(System.getProperties()::get, System.getenv()),
            filledFolders(System.getProperty("adjoint.cuda.cubins", "")), DEFAULT_LIMIT);
    }

    static Path userFolder(Function<Object, Object> properties, Map<String, String> environment) {
        Object named = properties.apply("adjoint.cuda.cache");
        if (named != null) {
            return Path.of(named.toString());
        }
        if (environment.containsKey("ADJOINT_CUDA_CACHE")) {
            return Path.of(environment.get("ADJOINT_CUDA_CACHE"));
        }
        String caches = environment.get("XDG_CACHE_HOME");
        Path root = caches != null && !caches.isEmpty() ? Path.of(caches)
            : Path.of(properties.apply("user.home").toString(), ".cache");
        return root.resolve("adjoint").resolve("cubins");
    }

    private static List<Path> filledFolders(String text) {
        List<Path> folders = new ArrayList<>();
        for (String folder : text.split(File.pathSeparator)) {
            if (!folder.isEmpty()) {
                folders.add(Path.of(folder));
            }
        }
        return folders;
    }

    /** Where entries are stored. */
    public Path folder() {
        return folder;
    }

    /** A key of whatever decides the outcome of compiling. */
    static byte[] key(List<String> parts) {
        MessageDigest digest = sha256();
        for (String part : parts) {
            byte[] bytes = part.getBytes(StandardCharsets.UTF_8);
            digest.update(ByteBuffer.allocate(4).putInt(bytes.length).flip());
            digest.update(bytes);
        }
        return digest.digest();
    }

    /**
     * The cubin of a key, if one is stored here and undamaged.
     *
     * @param key in the folder of this cache
     * @param filledKey in folders filled beforehand
     */
    Optional<byte[]> load(byte[] key, byte[] filledKey) {
        String file = file(key);
        Optional<byte[]> cubin = read(folder.resolve(file), key);
        if (cubin.isPresent()) {
            touch(folder.resolve(file));
            return cubin;
        }
        for (Path place : filled) {
            cubin = read(place.resolve(file(filledKey)), filledKey);
            if (cubin.isPresent()) {
                return cubin;
            }
        }
        return Optional.empty();
    }

    private static Optional<byte[]> read(Path file, byte[] key) {
        try {
            return cubin(Files.readAllBytes(file), key);
        } catch (IOException absent) {
            return Optional.empty();
        }
    }

    /** What an entry holds, if it is the one of this key and undamaged. */
    private static Optional<byte[]> cubin(byte[] entry, byte[] key) {
        if (entry.length <= HEADER_BYTES) {
            return Optional.empty();
        }
        byte[] header = new byte[HEADER_BYTES];
        byte[] cubin = new byte[entry.length - HEADER_BYTES];
        ByteBuffer.wrap(entry).get(header).get(cubin);
        return MessageDigest.isEqual(header, header(key, cubin)) ? Optional.of(cubin) : Optional.empty();
    }

    private static byte[] header(byte[] key, byte[] cubin) {
        return ByteBuffer.allocate(HEADER_BYTES).put(MAGIC).put(key).put(sha256().digest(cubin)).array();
    }

    /** Stores what was compiled, or says once why that is impossible. */
    void store(byte[] key, byte[] cubin) {
        Path temporary = null;
        try {
            if (!Files.isDirectory(folder)) {
                Files.createDirectories(folder,
                    PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rwx------")));
            }
            temporary = Files.createTempFile(folder, "entry", ".tmp");
            Files.write(temporary,
                ByteBuffer.allocate(HEADER_BYTES + cubin.length).put(header(key, cubin)).put(cubin).array());
            Files.move(temporary, folder.resolve(file(key)), StandardCopyOption.ATOMIC_MOVE);
            trim();
        } catch (IOException | UnsupportedOperationException | SecurityException e) {
            if (temporary != null) {
                deleteQuietly(temporary);
            }
            if (complained.compareAndSet(false, true)) {
                notice.accept("compiled kernels can't be kept in " + folder + " (" + e
                    + "): each process compiles its own, which takes seconds; name a folder that can be written with"
                    + " -Dadjoint.cuda.cache=... or ADJOINT_CUDA_CACHE");
            }
        }
    }

    private record Entry(Path file, FileTime used, long bytes) { }

    private void trim() throws IOException {
        List<Entry> entries = new ArrayList<>();
        long bytes = 0;
        Instant yesterday = Instant.now().minusSeconds(24 * 3600);
        try (DirectoryStream<Path> files = Files.newDirectoryStream(folder)) {
            for (Path file : files) {
                String name = file.getFileName().toString();
                try {
                    Entry entry = new Entry(file, Files.getLastModifiedTime(file), Files.size(file));
                    if (name.endsWith(SUFFIX)) {
                        entries.add(entry);
                        bytes += entry.bytes();
                    } else if (name.endsWith(".tmp") && entry.used().toInstant().isBefore(yesterday)) {
                        deleteQuietly(file);
                    }
                } catch (IOException goneMeanwhile) {
                    continue;
                }
            }
        }
        entries.sort(Comparator.comparing(Entry::used));
        for (int i = 0; i < entries.size() - 1 && bytes > limitBytes; i++) {
            deleteQuietly(entries.get(i).file());
            bytes -= entries.get(i).bytes();
        }
    }

    /** Another process may have been quicker. */
    private static void deleteQuietly(Path file) {
        try {
            Files.deleteIfExists(file);
        } catch (IOException e) {
            LOG.log(System.Logger.Level.DEBUG, file + " can't be deleted", e);
        }
    }

    private static void touch(Path file) {
        try {
            Files.setLastModifiedTime(file, FileTime.from(Instant.now()));
        } catch (IOException e) {
            LOG.log(System.Logger.Level.DEBUG, file + " can't be marked as used", e);
        }
    }

    private static String file(byte[] key) {
        return HexFormat.of().formatHex(key) + SUFFIX;
    }

    private static MessageDigest sha256() {
        try {
            return MessageDigest.getInstance("SHA-256");
        } catch (NoSuchAlgorithmException e) {
            throw new AssertionError("every JDK has SHA-256", e);
        }
    }
}
