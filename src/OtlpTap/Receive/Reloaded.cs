namespace OtlpTap.Receive;

/// <summary>A file does not hold what it should; the message names the key and the file.</summary>
internal sealed class UnusableFileException(string message, Exception? cause = null) : Exception(message, cause);

/// <summary>
/// What is read from files, and read again when that is due. What then cannot be used leaves the old in place.
/// </summary>
internal sealed class Reloaded<T> : IDisposable
    where T : class
{
    private readonly Func<T?, T> _read;
    private readonly Action<T> _loaded;
    private readonly Action<string, bool> _failed;
    private readonly ITimer? _timer;
    private readonly Lock _reading = new();
    private T _current;
    private volatile string? _problem; // of the last reading; written under the lock

    /// <param name="read">Is given what is in use, which it gives back where nothing has changed; null the first time.</param>
    /// <param name="interval">None where it is read once.</param>
    /// <param name="loaded">Told of what is new, the first too.</param>
    /// <param name="failed">Told of the problem, and whether it is another than the last time: the same one is worth one line.</param>
    /// <exception cref="UnusableFileException">The first reading failed.</exception>
    public Reloaded(Func<T?, T> read, TimeSpan? interval, TimeProvider time, Action<T> loaded, Action<string, bool> failed)
    {
        _read = read;
        _loaded = loaded;
        _failed = failed;
        _current = read(null);
        loaded(_current);
        if (interval is { } every)
        {
            _timer = time.CreateTimer(static state => ((Reloaded<T>)state!).Reload(), this, every, every);
        }
    }

    public T Current => Volatile.Read(ref _current);

    /// <summary>Why what is in use is older than the files; null where the last reading went well.</summary>
    public string? Problem => _problem;

    public void Dispose() => _timer?.Dispose();

    public void Reload()
    {
        // A disk that hangs for longer than the interval: one reader is enough.
        if (!_reading.TryEnter())
        {
            return;
        }

        try
        {
            var next = _read(_current);
            _problem = null;
            if (!ReferenceEquals(next, _current))
            {
                Volatile.Write(ref _current, next);
                _loaded(next);
            }
        }
        catch (Exception problem) // the edge of a timer: whatever it is, the old stays in use, and it is counted and said
        {
            var isNew = problem.Message != _problem;
            _problem = problem.Message;
            _failed(problem.Message, isNew);
        }
        finally
        {
            _reading.Exit();
        }
    }
}
