"""The hash-chained record of every act. It imports no other app, so that every app may write to it."""
