using System.Collections;
using System.Diagnostics.CodeAnalysis;

namespace OtlpTap.Client;

/// <summary>The advice that concerns one tool and model. Looks at what is there and copies nothing.</summary>
public readonly struct AdviceSet : IEnumerable<Advice>
{
    private readonly Advice[]? _items;
    private readonly string? _model;

    internal AdviceSet(Advice[] items, string? model)
    {
        _items = items;
        _model = model;
    }

    /// <summary>Whether there is none, which is so when all is well.</summary>
    public bool IsEmpty => !GetEnumerator().MoveNext();

    /// <summary>The first that says to do this.</summary>
    /// <param name="action">As <c>reroute</c>.</param>
    /// <param name="advice">What it says.</param>
    public bool TryGet(string action, [NotNullWhen(true)] out Advice? advice)
    {
        foreach (var item in this)
        {
            if (item.Action == action)
            {
                advice = item;
                return true;
            }
        }

        advice = null;
        return false;
    }

    /// <summary>Goes over it without allocating.</summary>
    public Enumerator GetEnumerator() => new(_items, _model);

    IEnumerator<Advice> IEnumerable<Advice>.GetEnumerator() => GetEnumerator();

    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();

    /// <summary>Goes over an <see cref="AdviceSet"/>.</summary>
    public struct Enumerator : IEnumerator<Advice>
    {
        private readonly Advice[] _items;
        private readonly string? _model;
        private int _next;

        internal Enumerator(Advice[]? items, string? model)
        {
            _items = items ?? [];
            _model = model;
        }

        /// <inheritdoc/>
        public readonly Advice Current => _items[_next - 1];

        readonly object IEnumerator.Current => Current;

        /// <inheritdoc/>
        public bool MoveNext()
        {
            while (_next < _items.Length)
            {
                var model = _items[_next++].Model;
                if (model.Length == 0 || string.IsNullOrEmpty(_model) || model == _model)
                {
                    return true;
                }
            }

            return false;
        }

        /// <inheritdoc/>
        public void Reset() => _next = 0;

        /// <inheritdoc/>
        public readonly void Dispose()
        {
        }
    }
}
