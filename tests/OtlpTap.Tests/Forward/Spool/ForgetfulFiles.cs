using OtlpTap.Forward.Spool;

namespace OtlpTap.Tests.Forward.Spool;

/// <summary>
/// A disk in memory that has every right of a real one: at a power cut it keeps of what was not synced any part, page by
/// page, and after a sync that failed it forgets what that was to keep.
/// </summary>
internal sealed class ForgetfulFiles : ISpoolFiles
{
    private const int PageLength = 512;

    private readonly Lock _lock = new();
    private readonly Dictionary<string, Node> _files = new(StringComparer.Ordinal);
    private readonly Dictionary<string, Node> _durableFiles = new(StringComparer.Ordinal);
    private readonly HashSet<string> _locked = new(StringComparer.Ordinal);
    private int _syncs;

    /// <summary>Syncs of segments.</summary>
    public int SegmentSyncs => Volatile.Read(ref _syncs);

    /// <summary>Runs before each operation, named as the method, and may throw in its place, or hold it.</summary>
    public Action<string, string>? Before { get; set; }

    /// <summary>Bytes of all files together.</summary>
    public long Capacity { get; set; } = long.MaxValue;

    public IReadOnlyList<string> Paths
    {
        get
        {
            lock (_lock)
            {
                return [.. _files.Keys.Order(StringComparer.Ordinal)];
            }
        }
    }

    public IReadOnlyList<string> Segments => [.. Paths.Where(path => path.EndsWith(".spool", StringComparison.Ordinal))];

    public byte[] this[string path]
    {
        get
        {
            lock (_lock)
            {
                return [.. _files[path].Bytes];
            }
        }

        set
        {
            lock (_lock)
            {
                _durableFiles[path] = _files[path] = new Node { Bytes = [.. value], Durable = [.. value] };
            }
        }
    }

    /// <summary>What the next start finds when the power fails now.</summary>
    public ForgetfulFiles CutPower(Random random)
    {
        lock (_lock)
        {
            var next = new ForgetfulFiles();
            var kept = new Dictionary<string, Node>(_durableFiles, StringComparer.Ordinal);
            foreach (var path in _files.Keys.Union(_durableFiles.Keys, StringComparer.Ordinal).Where(_ => random.Next(2) == 0))
            {
                if (_files.TryGetValue(path, out var node))
                {
                    kept[path] = node;
                }
                else
                {
                    kept.Remove(path);
                }
            }

            foreach (var (path, node) in kept)
            {
                next[path] = node.AfterPowerCut(random);
            }

            return next;
        }
    }

    /// <summary>What the next start finds when the process is killed now: the system keeps what was written.</summary>
    public ForgetfulFiles Kill()
    {
        lock (_lock)
        {
            var next = new ForgetfulFiles();
            foreach (var (path, node) in _files)
            {
                next[path] = [.. node.Bytes];
            }

            return next;
        }
    }

    public void CreateDirectory(string path)
    {
    }

    public IReadOnlyList<string> List(string directory) => [.. Paths.Select(path => Path.GetFileName(path))];

    public IDisposable Lock(string path)
    {
        lock (_lock)
        {
            return _locked.Add(path) ? new Unlock(this, path) : throw new IOException("held by another");
        }
    }

    public ISpoolFile Create(string path)
    {
        Before?.Invoke(nameof(Create), path);
        lock (_lock)
        {
            var node = new Node();
            _files.Add(path, node);
            return new OpenFile(this, path, node);
        }
    }

    public ISpoolFile Open(string path)
    {
        Before?.Invoke(nameof(Open), path);
        lock (_lock)
        {
            return new OpenFile(this, path, _files[path]);
        }
    }

    public void Rename(string path, string newPath)
    {
        Before?.Invoke(nameof(Rename), path);
        lock (_lock)
        {
            _files.Add(newPath, _files[path]);
            _files.Remove(path);
        }
    }

    public void Delete(string path)
    {
        Before?.Invoke(nameof(Delete), path);
        lock (_lock)
        {
            _files.Remove(path);
        }
    }

    public void SyncDirectory(string path)
    {
        Before?.Invoke(nameof(SyncDirectory), path);
        lock (_lock)
        {
            _durableFiles.Clear();
            foreach (var (file, node) in _files)
            {
                _durableFiles.Add(file, node);
            }
        }
    }

    private sealed class Node
    {
        private readonly List<(long Offset, byte[] Bytes)> _unsynced = [];

        public List<byte> Bytes { get; init; } = [];

        public List<byte> Durable { get; set; } = [];

        public void Write(ReadOnlySpan<byte> bytes, long offset)
        {
            Put(Bytes, bytes, offset);
            var at = 0;
            while (at < bytes.Length)
            {
                var length = Math.Min(bytes.Length - at, PageLength - (int)((offset + at) % PageLength));
                _unsynced.Add((offset + at, bytes.Slice(at, length).ToArray()));
                at += length;
            }
        }

        public void Sync()
        {
            foreach (var (offset, bytes) in _unsynced)
            {
                Put(Durable, bytes, offset);
            }

            if (Durable.Count > Bytes.Count)
            {
                Durable.RemoveRange(Bytes.Count, Durable.Count - Bytes.Count);
            }

            _unsynced.Clear();
        }

        /// <summary>The sync failed: the pages count as clean from here on, though the disk never got them.</summary>
        public void Forget() => _unsynced.Clear();

        public byte[] AfterPowerCut(Random random)
        {
            var kept = new List<byte>(Durable);
            foreach (var (offset, bytes) in _unsynced.Where(_ => random.Next(3) > 0))
            {
                Put(kept, random.Next(8) == 0 ? bytes.AsSpan(0, random.Next(bytes.Length)) : bytes, offset);
            }

            return [.. kept];
        }

        private static void Put(List<byte> into, ReadOnlySpan<byte> bytes, long offset)
        {
            while (into.Count < offset + bytes.Length)
            {
                into.Add(0);
            }

            bytes.CopyTo(System.Runtime.InteropServices.CollectionsMarshal.AsSpan(into)[(int)offset..]);
        }
    }

    private sealed class OpenFile(ForgetfulFiles files, string path, Node node) : ISpoolFile
    {
        public long Length
        {
            get
            {
                lock (files._lock)
                {
                    return node.Bytes.Count;
                }
            }
        }

        public int Read(Span<byte> destination, long offset)
        {
            files.Before?.Invoke(nameof(Read), path);
            lock (files._lock)
            {
                var available = (int)Math.Clamp(node.Bytes.Count - offset, 0, destination.Length);
                System.Runtime.InteropServices.CollectionsMarshal.AsSpan(node.Bytes).Slice((int)Math.Min(offset, node.Bytes.Count), available).CopyTo(destination);
                return available;
            }
        }

        public void Write(IReadOnlyList<ReadOnlyMemory<byte>> buffers, long offset)
        {
            files.Before?.Invoke(nameof(Write), path);
            lock (files._lock)
            {
                foreach (var buffer in buffers)
                {
                    var room = files.Capacity - files._files.Values.Sum(file => (long)file.Bytes.Count) + Math.Max(0, node.Bytes.Count - offset);
                    if (room < buffer.Length)
                    {
                        node.Write(buffer.Span[..(int)Math.Max(0, room)], offset);
                        throw new IOException("No space left on device");
                    }

                    node.Write(buffer.Span, offset);
                    offset += buffer.Length;
                }
            }
        }

        public void SetLength(long length)
        {
            files.Before?.Invoke(nameof(SetLength), path);
            lock (files._lock)
            {
                node.Bytes.RemoveRange((int)length, node.Bytes.Count - (int)length);
            }
        }

        public void Sync()
        {
            try
            {
                files.Before?.Invoke(nameof(Sync), path);
            }
            catch
            {
                lock (files._lock)
                {
                    node.Forget();
                }

                throw;
            }

            lock (files._lock)
            {
                node.Sync();
            }

            if (path.EndsWith(".spool", StringComparison.Ordinal))
            {
                Interlocked.Increment(ref files._syncs);
            }
        }

        public void Dispose()
        {
        }
    }

    private sealed class Unlock(ForgetfulFiles files, string path) : IDisposable
    {
        public void Dispose()
        {
            lock (files._lock)
            {
                files._locked.Remove(path);
            }
        }
    }
}
