package org.adjoint.cuda.driver;

import java.io.IOException;
import java.io.InputStream;
import java.net.JarURLConnection;
import java.net.URI;
import java.net.URL;
import java.net.URLConnection;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.FileAttribute;
import java.nio.file.attribute.PosixFileAttributes;
import java.nio.file.attribute.PosixFilePermission;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.jar.JarEntry;

/**
 * NVIDIA's libraries in jars on the class path, as {@code org.bytedeco:cuda-redist} (NVRTC) and
 * {@code org.bytedeco:cuda-redist-cublas} hold them.
 *
 * <p>cuBLAS has 600 MB, so that unpacking it at each start would cost seconds. Only the libraries that are asked for
 * are unpacked, once, into {@code adjoint/libraries} of the user's cache folder, in a folder whose name holds the
 * checksums of its files and that nobody else can enter.
 *
 * @param loader sees the jars
 * @param cache the user's cache folder
 */
record Redistributables(ClassLoader loader, Path cache) implements Place {
    private static final String RESOURCES = "org/bytedeco/cuda/linux-x86_64/";
    private static final int MINOR_VERSIONS = 20;
    private static final FileAttribute<Set<PosixFilePermission>> PRIVATE =
        PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rwx------"));

    static Redistributables of(Surroundings surroundings) {
        String caches = surroundings.variable("XDG_CACHE_HOME");
        return new Redistributables(surroundings.jars(),
            caches != null ? Path.of(caches) : Path.of(System.getProperty("user.home"), ".cache"));
    }

    @Override
    public String why() {
        return "from a jar on the class path";
    }

    @Override
    public String text() {
        return "jars on the class path (org.bytedeco:cuda-redist)";
    }

    @Override
    public Path folder(String name) throws Unfit {
        Map<String, URL> resources = resources(name);
        if (resources.isEmpty()) {
            return null;
        }
        try {
            URL first = resources.get(name);
            if (first.getProtocol().equals("file")) {
                return Path.of(URI.create(first.toString())).getParent();
            }
            Path folder = privateFolder(key(resources));
            for (Map.Entry<String, URL> resource : resources.entrySet()) {
                unpack(resource.getValue(), folder.resolve(resource.getKey()));
            }
            return folder;
        } catch (IOException e) {
            throw new Unfit(name + " is in a jar on the class path but can't be unpacked into " + cache
                + " (" + e + ")");
        }
    }

    /** The library and those that are loaded with it; none if the library itself is not there. */
    private Map<String, URL> resources(String name) {
        String major = name.substring(name.lastIndexOf('.') + 1);
        List<String> names = new ArrayList<>(List.of(name));
        if (name.startsWith("libcublas.")) {
            names.add("libcublasLt.so." + major);
        } else if (name.startsWith("libnvrtc.")) {
            for (int minor = 0; minor < MINOR_VERSIONS; minor++) {
                names.add("libnvrtc-builtins.so." + major + "." + minor);
            }
        }
        Map<String, URL> resources = new LinkedHashMap<>();
        for (String candidate : names) {
            URL url = loader.getResource(RESOURCES + candidate);
            if (url != null) {
                resources.put(candidate, url);
            }
        }
        return resources.containsKey(name) ? resources : Map.of();
    }

    private static String key(Map<String, URL> resources) throws IOException {
        StringBuilder key = new StringBuilder();
        for (Map.Entry<String, URL> resource : resources.entrySet()) {
            JarEntry entry = entry(resource.getValue());
            if (key.isEmpty()) {
                key.append(resource.getKey());
            }
            key.append('-').append(Long.toHexString(entry.getCrc()));
        }
        return key.toString();
    }

    private static JarEntry entry(URL url) throws IOException {
        URLConnection connection = url.openConnection();
        if (connection instanceof JarURLConnection jar) {
            return jar.getJarEntry();
        }
        throw new IOException(url + " is neither in a jar nor a file");
    }

    private Path privateFolder(String key) throws IOException {
        Path folder = cache.resolve("adjoint").resolve("libraries").resolve(key);
        Files.createDirectories(folder.getParent(), PRIVATE);
        if (!Files.exists(folder, LinkOption.NOFOLLOW_LINKS)) {
            Files.createDirectories(folder, PRIVATE);
        }
        PosixFileAttributes attributes =
            Files.readAttributes(folder, PosixFileAttributes.class, LinkOption.NOFOLLOW_LINKS);
        if (!attributes.isDirectory() || !attributes.permissions().equals(PRIVATE.value())
            || !attributes.owner().equals(Files.getOwner(Path.of("/proc/self")))) {
            throw new IOException(folder + " is not a folder that only its user can enter: remove it");
        }
        return folder;
    }

    /** Processes that do so at once each move a whole file into place. */
    private static void unpack(URL url, Path file) throws IOException {
        long size = entry(url).getSize();
        if (Files.isRegularFile(file, LinkOption.NOFOLLOW_LINKS) && Files.size(file) == size) {
            return;
        }
        Path temporary = Files.createTempFile(file.getParent(), "unpacked", ".tmp");
        try (InputStream in = url.openStream()) {
            Files.copy(in, temporary, StandardCopyOption.REPLACE_EXISTING);
            Files.move(temporary, file, StandardCopyOption.ATOMIC_MOVE);
        } finally {
            Files.deleteIfExists(temporary);
        }
    }
}
