namespace OtlpTap.Detectors.Grounding;

/// <summary>Walks a text once and gives its words, numbers, dates, times, identifiers and addresses, in order. Each character is looked at a bounded number of times.</summary>
internal ref struct ElementReader(ReadOnlySpan<char> text)
{
    private readonly TextWords _words = new(text);
    private int _at;
    private Element _second;
    private bool _hasSecond;

    public Element Current;

    public bool MoveNext()
    {
        if (_hasSecond)
        {
            Current = _second;
            _hasSecond = false;
            return true;
        }

        while (_at < _words.Text.Length)
        {
            var c = _words.Text[_at];
            if (c == '\\' && _at + 1 < _words.Text.Length && _words.Text[_at + 1] is 'n' or 't' or 'r')
            {
                // JSON inside of text that is not read as JSON.
                _at += 2;
                continue;
            }

            if (!char.IsLetterOrDigit(c))
            {
                _at++;
                continue;
            }

            var end = _words.ChunkEnd(_at);
            Read(_at, end);
            return true;
        }

        return false;
    }

    private void Read(int start, int end)
    {
        var chunk = _words.Text[start..end];
        Current = new Element { Start = start, Length = end - start };
        _at = end;
        if (_words.IsAddress(start))
        {
            Current.Kind = ElementKind.Address;
            return;
        }

        var at = chunk.IndexOf('@');
        if (at > 0 && chunk[at..].Contains('.'))
        {
            Current.Kind = ElementKind.Address;
            return;
        }

        if (!chunk.ContainsAnyInRange('0', '9'))
        {
            ReadWord(start, chunk);
            return;
        }

        if (DateElements.TryDate(chunk, ref Current, out var time))
        {
            (_second, _hasSecond) = (time, time.Length > 0);
            return;
        }

        if (DateElements.TryTime(_words, start, chunk, ref Current, ref _at) || NumberElements.TryNumber(_words, start, chunk, ref Current, ref _at))
        {
            return;
        }

        Current.Kind = IsPath(chunk) ? ElementKind.Path : ElementKind.Identifier;
    }

    private void ReadWord(int start, ReadOnlySpan<char> chunk)
    {
        if (IsPath(chunk))
        {
            Current.Kind = ElementKind.Path;
            return;
        }

        // A chunk of letters is read word by word: first-rate, Q&A, key:value.
        var length = 1;
        while (length < chunk.Length && (char.IsLetter(chunk[length]) || chunk[length] is '\'' or '\u2019'))
        {
            length++;
        }

        Current.Length = length;
        _at = start + length;
        var word = chunk[..length];
        Current.Kind = ElementKind.Word;
        if (Vocabulary.TryGet(Vocabulary.Months, word, out var month) && char.IsUpper(word[0]) | word.Length > 4 && DateElements.TryDayAndYear(_words, month, ref Current, ref _at))
        {
            return;
        }

        if (Vocabulary.TryGet(Vocabulary.Numbers, word, out var value))
        {
            ReadNumberInWords(start, chunk, length, value);
        }
    }

    private void ReadNumberInWords(int start, ReadOnlySpan<char> chunk, int length, double value)
    {
        Current.Kind = ElementKind.Number;
        Current.Worded = true;
        if (value is >= 20 and < 100 && length < chunk.Length && chunk[length] == '-'
            && Vocabulary.TryGet(Vocabulary.Numbers, chunk[(length + 1)..], out var ones) && ones < 10)
        {
            value += ones;
            Current.Length = chunk.Length;
            _at = start + chunk.Length;
        }

        Current.Value = Current.Other = value;
        Current.HalfPlace = 0;
        NumberElements.ReadUnit(_words, ref Current, ref _at);
    }

    /// <summary>With a folder, or a file name with an extension that is none of a sentence.</summary>
    private static bool IsPath(ReadOnlySpan<char> chunk)
    {
        var dot = chunk.LastIndexOf('.');
        var slash = chunk.IndexOf('/');
        if (slash > 0 && (dot > slash || chunk[(slash + 1)..].Contains('/')))
        {
            return chunk.ContainsAnyInRange('a', 'z');
        }

        if (dot > 1 && slash < 0)
        {
            var extension = chunk[(dot + 1)..];
            var colon = extension.IndexOf(':');
            extension = colon > 0 ? extension[..colon] : extension;
            return extension is "go" or "py" or "cs" or "ts" or "js" or "tsx" or "java" or "kt" or "rs" or "cpp" or "md" or "json" or "yaml" or "yml" or "xml" or "html" or "css" or "sql" or "pdf" or "csv" or "txt" or "docx" or "xlsx" or "png" or "jpg" or "sh" or "log" or "toml" or "zip";
        }

        return false;
    }
}
